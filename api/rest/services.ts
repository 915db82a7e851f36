import { z } from 'zod';

import { services } from '../../db/stores/services.ts';
import type { Service } from '../../domain/model.ts';
import { newId } from '../../platform/ids.ts';
import type { ApiDeps } from '../deps.ts';
import { defineRoute, type Route } from '../route.ts';
import { serviceJson } from './policy-json.ts';
import {
  createConfigStore,
  getOr404,
  requireKnown,
  type Changing,
  type Reading,
} from './shared/config-store.ts';
import { listParam, pageBody, pageQuery, readPage, searchParam } from './shared/pagination.ts';
import { readPolicyContext } from './shared/policy-context.ts';
import { invalidInput } from './shared/rest-error.ts';
import {
  descriptionSchema,
  idParams,
  idSchema,
  includeParam,
  nameSchema,
  ok,
  pageSchema,
  referenceInput,
  referenceSchema,
  resourceSchema,
  timeZoneParam,
  wrapped,
} from './shared/schemas.ts';

/** PagerDuty's defaults, in seconds. */
const ACK_TIMEOUT_SEC = 1800;
const AUTO_RESOLVE_SEC = 14_400;
const TIMEOUT_MAX_SEC = 30 * 86_400;

const timeout = z.int().min(0).max(TIMEOUT_MAX_SEC).nullish();
const fields = {
  name: nameSchema,
  description: descriptionSchema,
  status: z.enum(['active', 'disabled']).optional(),
  auto_resolve_timeout: timeout,
  acknowledgement_timeout: timeout,
  escalation_policy: referenceInput,
  incident_urgency_rule: z
    .object({
      type: z.literal('constant', 'only constant is supported'),
      urgency: z.enum(['high', 'low', 'severity_based']),
    })
    .optional(),
  teams: z
    .array(z.object({ id: idSchema }))
    .max(50)
    .nullish(),
};
const createBody = z.object({ service: z.object(fields) });
const updateBody = z.object({ service: z.object(fields).partial() });
const listQuery = z.object({
  ...pageQuery,
  query: searchParam,
  name: searchParam,
  time_zone: timeZoneParam,
  sort_by: z.enum(['name', 'name:asc', 'name:desc']).default('name'),
  'team_ids[]': listParam,
  'include[]': includeParam,
});
const serviceSchema = resourceSchema({
  name: z.string(),
  description: z.string().nullable(),
  status: z.string(),
  auto_resolve_timeout: z.int().nullable(),
  acknowledgement_timeout: z.int().nullable(),
  escalation_policy: referenceSchema,
  teams: z.array(referenceSchema),
  integrations: z.array(referenceSchema),
});
const one = wrapped('service', serviceSchema);
const common = { tag: 'Services', permission: 'configuration:write' } as const;
const reading = { tag: 'Services', permission: 'configuration:read' } as const;

/** `/services`: what alerts are about, and who answers for it. */
export function createServiceRoutes(deps: ApiDeps): readonly Route[] {
  const store = createConfigStore(deps);
  const answer = async (read: Reading, service: Service, include?: readonly string[]) => {
    const context = await readPolicyContext(read, { services: [service] }, include);
    return { service: serviceJson(service, context) };
  };
  return [
    defineRoute({
      ...reading,
      method: 'get',
      path: '/services',
      operationId: 'listServices',
      summary: 'List services',
      query: listQuery,
      responses: { 200: ok('Services.', pageSchema('services', serviceSchema)) },
      handle: ({ actor, query }) =>
        store.read(actor, async (read) => {
          const page = readPage(query);
          const found = await services.list(read.trx, {
            page,
            query: query.query,
            descending: query.sort_by === 'name:desc',
            among: [['name', query.name === undefined ? [] : [query.name]]],
            overlaps: [['team_ids', query['team_ids[]'] ?? []]],
          });
          const include = query['include[]'];
          const context = await readPolicyContext(read, { services: found.items }, include);
          const items = found.items.map((service) => serviceJson(service, context));
          return { status: 200, body: pageBody('services', items, page, found) };
        }),
    }),
    defineRoute({
      ...common,
      method: 'post',
      path: '/services',
      operationId: 'createService',
      summary: 'Create a service',
      body: createBody,
      responses: { 201: ok('The service.', one) },
      handle: ({ actor, body }) =>
        store.change(actor, async (changing) => {
          const given = body.service;
          const service = merged(
            {
              id: newId(),
              name: given.name,
              description: null,
              status: 'active',
              escalationPolicyId: given.escalation_policy.id,
              acknowledgementTimeoutSec: ACK_TIMEOUT_SEC,
              autoResolveTimeoutSec: AUTO_RESOLVE_SEC,
              urgencyRule: 'high',
              teamIds: [],
              createdAt: changing.now,
            },
            given,
          );
          await requireValid(changing, service);
          await services.insert(changing.trx, changing.accountId, service);
          return { status: 201, body: await answer(changing, service) };
        }),
    }),
    defineRoute({
      ...reading,
      method: 'get',
      path: '/services/{id}',
      operationId: 'getService',
      summary: 'Get a service',
      params: idParams,
      query: z.object({ 'include[]': includeParam }),
      responses: { 200: ok('The service.', one) },
      handle: ({ actor, params, query }) =>
        store.read(actor, async (read) => {
          const service = await getOr404(read.trx, services, params.id);
          return { status: 200, body: await answer(read, service, query['include[]']) };
        }),
    }),
    defineRoute({
      ...common,
      method: 'put',
      path: '/services/{id}',
      operationId: 'updateService',
      summary: 'Update a service',
      params: idParams,
      body: updateBody,
      responses: { 200: ok('The service.', one) },
      handle: ({ actor, params, body }) =>
        store.change(actor, async (changing) => {
          const before = await getOr404(changing.trx, services, params.id);
          const service = merged(before, body.service);
          await requireValid(changing, service);
          await services.update(changing.trx, service);
          return { status: 200, body: await answer(changing, service) };
        }),
    }),
    defineRoute({
      ...common,
      method: 'delete',
      path: '/services/{id}',
      operationId: 'deleteService',
      summary: 'Delete a service and its integrations; open incidents go on',
      params: idParams,
      responses: { 204: ok('Deleted.') },
      handle: ({ actor, params }) =>
        store.change(actor, async ({ trx }) => {
          const service = await getOr404(trx, services, params.id);
          await services.remove(trx, service.id);
          return { status: 204 };
        }),
    }),
  ];
}

// Missing is "leave", null (and 0 for a timeout, as in PagerDuty) is "off".
function merged(before: Service, given: z.infer<typeof updateBody>['service']): Service {
  const seconds = (value: number | null | undefined, old: number | null) =>
    value === undefined ? old : value || null;
  return {
    ...before,
    name: given.name ?? before.name,
    description: given.description === undefined ? before.description : given.description,
    status: given.status ?? before.status,
    escalationPolicyId: given.escalation_policy?.id ?? before.escalationPolicyId,
    acknowledgementTimeoutSec: seconds(
      given.acknowledgement_timeout,
      before.acknowledgementTimeoutSec,
    ),
    autoResolveTimeoutSec: seconds(given.auto_resolve_timeout, before.autoResolveTimeoutSec),
    urgencyRule: given.incident_urgency_rule?.urgency ?? before.urgencyRule,
    teamIds: given.teams?.map((team) => team.id) ?? before.teamIds,
  };
}

async function requireValid({ trx }: Changing, service: Service): Promise<void> {
  const policyIds = [service.escalationPolicyId];
  await requireKnown(trx, 'escalation_policy', policyIds, 'service.escalation_policy');
  await requireKnown(trx, 'team', service.teamIds, 'service.teams');
  const found = await services.where(trx, 'name', [service.name]);
  if (found.some((other) => other.id !== service.id)) {
    throw invalidInput('service.name: has already been taken');
  }
}
