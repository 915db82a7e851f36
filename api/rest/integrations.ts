import { z } from 'zod';

import { integrations, services, type IntegrationRecord } from '../../db/stores/services.ts';
import type { GenericMapping } from '../../domain/model.ts';
import { hashKey, newId, newIntegrationKey } from '../../platform/ids.ts';
import type { ApiDeps } from '../deps.ts';
import { defineRoute, type Route } from '../route.ts';
import { INTEGRATION_TYPES, integrationJson, serviceJson } from './policy-json.ts';
import { integrationAddress } from '../intake/mail.ts';
import { SNS_TOPIC } from '../intake/sns.ts';
import { createConfigStore, getOr404, type Reading } from './shared/config-store.ts';
import { readPolicyContext } from './shared/policy-context.ts';
import { invalidInput, notFound } from './shared/rest-error.ts';
import {
  idParams,
  idSchema,
  includeParam,
  nameSchema,
  ok,
  resourceSchema,
  wrapped,
} from './shared/schemas.ts';

/** Integrations of one service; more are refused. */
const INTEGRATIONS_MAX = 100;
const RATE_DEFAULT = 10_000;
const HEARTBEAT_DEFAULT_SEC = 300;
const HEARTBEAT = 'heartbeat_inbound_integration';
const EMAIL = 'generic_email_inbound_integration';

const pointer = z
  .string()
  .max(256)
  .regex(/^(\/([^~/]|~[01])*)*$/, 'must be a JSON pointer');
const mapping = z.strictObject({
  summary: pointer,
  source: pointer.optional(),
  severity: pointer.optional(),
  dedup_key: pointer.optional(),
  action: pointer.optional(),
  resolve_values: z.array(z.string().max(100)).max(20).optional(),
});
const fields = {
  name: nameSchema.optional(),
  lenient: z.boolean().optional(),
  rate_limit_per_minute: z.int().min(1).max(1_000_000).optional(),
  mapping: mapping.nullish(),
  topic_arn: z.string().max(400).regex(SNS_TOPIC, 'must be the ARN of an SNS topic').nullish(),
  heartbeat_timeout_seconds: z.int().min(30).max(604_800).optional(),
};
const typeSchema = z.enum([
  'events_api_v2_inbound_integration',
  'generic_events_api_inbound_integration',
  'alertmanager_inbound_integration',
  'generic_json_inbound_integration',
  'grafana_inbound_integration',
  'cloudwatch_inbound_integration',
  'generic_email_inbound_integration',
  'heartbeat_inbound_integration',
]);
const createBody = z.object({
  integration: z.object({
    type: typeSchema.default('events_api_v2_inbound_integration'),
    ...fields,
  }),
});
const updateBody = z.object({ integration: z.object({ type: typeSchema.optional(), ...fields }) });
const integrationParams = z.object({ id: idSchema, integration_id: idSchema });
const integrationSchema = resourceSchema({
  name: z.string(),
  created_at: z.string(),
  lenient: z.boolean(),
  rate_limit_per_minute: z.int(),
  integration_key: z.string().optional().describe('Only in the answer that creates it.'),
  integration_email: z
    .string()
    .optional()
    .describe('Where mails for it go; only in the answer that creates it.'),
  topic_arn: z.string().nullish(),
  heartbeat_timeout_seconds: z.int().nullish(),
});
const one = wrapped('integration', integrationSchema);
const common = { tag: 'Services', permission: 'configuration:write' } as const;
const path = '/services/{id}/integrations';

/** `/services/{id}/integrations`: the keys with which tools send alerts. */
export function createIntegrationRoutes(deps: ApiDeps): readonly Route[] {
  const store = createConfigStore(deps);
  return [
    defineRoute({
      ...common,
      method: 'post',
      path,
      operationId: 'createIntegration',
      summary: 'Create an integration; its key is shown here only',
      params: idParams,
      body: createBody,
      responses: { 201: ok('The integration with its key.', one) },
      handle: ({ actor, params, body }) =>
        store.change(actor, async ({ trx, accountId, refer, now }) => {
          const service = await getOr404(trx, services, params.id);
          const existing = await integrations.where(trx, 'service_id', [service.id]);
          if (existing.length >= INTEGRATIONS_MAX) {
            throw invalidInput(`integration: a service has at most ${INTEGRATIONS_MAX}`);
          }
          const given = body.integration;
          const key = newIntegrationKey();
          const item: IntegrationRecord = {
            id: newId(),
            serviceId: service.id,
            name: given.name ?? service.name,
            type: INTEGRATION_TYPES[given.type] ?? 'events_api_v2_inbound_integration',
            keyHash: hashKey(key),
            lenient: given.lenient ?? false,
            rateLimitPerMinute: given.rate_limit_per_minute ?? RATE_DEFAULT,
            mapping: given.mapping ? readMapping(given.mapping) : null,
            topicArn: given.topic_arn ?? null,
            heartbeatTimeoutSec:
              given.heartbeat_timeout_seconds ??
              (given.type === HEARTBEAT ? HEARTBEAT_DEFAULT_SEC : null),
            createdAt: now,
          };
          requireFitting(item);
          await integrations.insert(trx, accountId, item);
          const shown = {
            ...integrationJson(refer, item, service.name),
            integration_key: key,
            ...(item.type === EMAIL ? { integration_email: integrationAddress(deps, key) } : {}),
          };
          return { status: 201, body: { integration: shown } };
        }),
    }),
    defineRoute({
      ...common,
      permission: 'configuration:read',
      method: 'get',
      path: `${path}/{integration_id}`,
      operationId: 'getIntegration',
      summary: 'Get an integration, without its key',
      params: integrationParams,
      query: z.object({ 'include[]': includeParam }),
      responses: { 200: ok('The integration.', one) },
      handle: ({ actor, params, query }) =>
        store.read(actor, async (read) => {
          const item = await findIntegration(read, params);
          const { integration } = await answer(read, item);
          if (!query['include[]']?.includes('services'))
            return { status: 200, body: { integration } };
          const service = await getOr404(read.trx, services, item.serviceId);
          const context = await readPolicyContext(read, { services: [service] });
          const shown = { ...integration, service: serviceJson(service, context) };
          return { status: 200, body: { integration: shown } };
        }),
    }),
    defineRoute({
      ...common,
      method: 'put',
      path: `${path}/{integration_id}`,
      operationId: 'updateIntegration',
      summary: 'Update an integration; its type and key stay',
      params: integrationParams,
      body: updateBody,
      responses: { 200: ok('The integration.', one) },
      handle: ({ actor, params, body }) =>
        store.change(actor, async (changing) => {
          const before = await findIntegration(changing, params);
          const item = merged(before, body.integration);
          requireFitting(item);
          await integrations.update(changing.trx, item);
          return { status: 200, body: await answer(changing, item) };
        }),
    }),
    defineRoute({
      ...common,
      method: 'delete',
      path: `${path}/{integration_id}`,
      operationId: 'deleteIntegration',
      summary: 'Delete an integration; its key is refused from then on',
      params: integrationParams,
      responses: { 204: ok('Deleted.') },
      handle: ({ actor, params }) =>
        store.change(actor, async (changing) => {
          const item = await findIntegration(changing, params);
          await integrations.remove(changing.trx, item.id);
          return { status: 204 };
        }),
    }),
  ];
}

async function answer(read: Reading, item: IntegrationRecord) {
  const service = await getOr404(read.trx, services, item.serviceId);
  return { integration: integrationJson(read.refer, item, service.name) };
}

async function findIntegration({ trx }: Reading, params: z.infer<typeof integrationParams>) {
  const item = await getOr404(trx, integrations, params.integration_id);
  if (item.serviceId !== params.id) throw notFound();
  return item;
}

function merged(
  before: IntegrationRecord,
  given: z.infer<typeof updateBody>['integration'],
): IntegrationRecord {
  if (given.type !== undefined && INTEGRATION_TYPES[given.type] !== before.type) {
    throw invalidInput('integration.type: cannot be changed');
  }
  const read = given.mapping ? readMapping(given.mapping) : null;
  return {
    ...before,
    name: given.name ?? before.name,
    lenient: given.lenient ?? before.lenient,
    rateLimitPerMinute: given.rate_limit_per_minute ?? before.rateLimitPerMinute,
    mapping: given.mapping === undefined ? before.mapping : read,
    topicArn: given.topic_arn === undefined ? before.topicArn : given.topic_arn,
    heartbeatTimeoutSec: given.heartbeat_timeout_seconds ?? before.heartbeatTimeoutSec,
  };
}

function readMapping(given: z.infer<typeof mapping>): GenericMapping {
  return {
    summary: given.summary,
    ...(given.source === undefined ? {} : { source: given.source }),
    ...(given.severity === undefined ? {} : { severity: given.severity }),
    ...(given.dedup_key === undefined ? {} : { dedupKey: given.dedup_key }),
    ...(given.action === undefined ? {} : { action: given.action }),
    ...(given.resolve_values === undefined ? {} : { resolveValues: given.resolve_values }),
  };
}

/** Settings belong to their own kind of integration only. */
function requireFitting(item: IntegrationRecord): void {
  const { type, mapping: given, topicArn, heartbeatTimeoutSec } = item;
  if (topicArn !== null && type !== 'cloudwatch_inbound_integration') {
    throw invalidInput('integration.topic_arn: not for this type');
  }
  if (heartbeatTimeoutSec !== null && type !== HEARTBEAT) {
    throw invalidInput('integration.heartbeat_timeout_seconds: not for this type');
  }
  const generic = type === 'generic_json_inbound_integration';
  if (generic && given === null) throw invalidInput('integration.mapping: is needed for this type');
  if (!generic && given !== null) throw invalidInput('integration.mapping: not for this type');
}
