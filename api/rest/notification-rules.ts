import { z } from 'zod';

import { contactMethods, notificationRules, users } from '../../db/stores/users.ts';
import type { NotificationRule } from '../../domain/model.ts';
import { newId } from '../../platform/ids.ts';
import type { ApiDeps } from '../deps.ts';
import { defineRoute, type Route } from '../route.ts';
import { createConfigStore, getOr404, type Changing, type Reading } from './shared/config-store.ts';
import { invalidInput, notFound } from './shared/rest-error.ts';
import {
  idParams,
  idSchema,
  includeParam,
  ok,
  referenceInput,
  referenceSchema,
  resourceSchema,
  wrapped,
} from './shared/schemas.ts';
import { ruleJson } from './user-json.ts';

/** More rules of one user are refused. */
const RULES_MAX = 50;

const urgency = z.enum(['high', 'low']);
const fields = {
  start_delay_in_minutes: z.int().min(0).max(1440),
  urgency,
  contact_method: referenceInput,
};
const createBody = z.object({ notification_rule: z.object(fields) });
const updateBody = z.object({ notification_rule: z.object(fields).partial() });
const ruleParams = z.object({ id: idSchema, notification_rule_id: idSchema });
const getQuery = z.object({ 'include[]': includeParam });
const listQuery = getQuery.extend({ urgency: z.enum(['high', 'low', 'all']).default('all') });
const ruleSchema = resourceSchema({
  start_delay_in_minutes: z.int(),
  urgency,
  contact_method: referenceSchema.nullable(),
});
const one = wrapped('notification_rule', ruleSchema);
const common = { tag: 'Notification rules', permission: 'own_user:write' } as const;
const path = '/users/{id}/notification_rules';

/** `/users/{id}/notification_rules`: how and when a user is paged, by urgency. */
export function createNotificationRuleRoutes(deps: ApiDeps): readonly Route[] {
  const store = createConfigStore(deps);
  return [
    defineRoute({
      ...common,
      permission: 'configuration:read',
      method: 'get',
      path,
      operationId: 'listNotificationRules',
      summary: 'List a user’s notification rules',
      params: idParams,
      query: listQuery,
      responses: {
        200: ok('The rules.', z.object({ notification_rules: z.array(ruleSchema) })),
      },
      handle: ({ actor, params, query }) =>
        store.read(actor, async (reading) => {
          await getOr404(reading.trx, users, params.id);
          const found = await notificationRules.where(reading.trx, 'user_id', [params.id]);
          const wanted = found.filter((rule) => ['all', rule.urgency].includes(query.urgency));
          const methods = await contactMethods.where(reading.trx, 'user_id', [params.id]);
          const include = new Set(query['include[]']);
          const items = wanted.map((rule) => ruleJson(reading.refer, rule, methods, include));
          return { status: 200, body: { notification_rules: items } };
        }),
    }),
    defineRoute({
      ...common,
      method: 'post',
      path,
      operationId: 'createNotificationRule',
      summary: 'Add a notification rule',
      params: idParams,
      body: createBody,
      responses: { 201: ok('The rule.', one) },
      handle: ({ actor, params, body }) =>
        store.change(actor, async (changing) => {
          const { trx, accountId } = changing;
          await getOr404(trx, users, params.id);
          const existing = await notificationRules.where(trx, 'user_id', [params.id]);
          if (existing.length >= RULES_MAX) {
            throw invalidInput(`notification_rule: a user has at most ${RULES_MAX} rules`);
          }
          const given = body.notification_rule;
          const rule: NotificationRule = {
            id: newId(),
            userId: params.id,
            urgency: given.urgency,
            contactMethodId: given.contact_method.id,
            startDelayInMinutes: given.start_delay_in_minutes,
          };
          await requireOwnMethod(changing, rule);
          await notificationRules.insert(trx, accountId, rule);
          return { status: 201, body: { notification_rule: await json(changing, rule) } };
        }),
    }),
    defineRoute({
      ...common,
      permission: 'configuration:read',
      method: 'get',
      path: `${path}/{notification_rule_id}`,
      operationId: 'getNotificationRule',
      summary: 'Get a notification rule',
      params: ruleParams,
      query: getQuery,
      responses: { 200: ok('The rule.', one) },
      handle: ({ actor, params, query }) =>
        store.read(actor, async (reading) => {
          const rule = await findRule(reading, params);
          const include = new Set(query['include[]']);
          return { status: 200, body: { notification_rule: await json(reading, rule, include) } };
        }),
    }),
    defineRoute({
      ...common,
      method: 'put',
      path: `${path}/{notification_rule_id}`,
      operationId: 'updateNotificationRule',
      summary: 'Update a notification rule',
      params: ruleParams,
      body: updateBody,
      responses: { 200: ok('The rule.', one) },
      handle: ({ actor, params, body }) =>
        store.change(actor, async (changing) => {
          const before = await findRule(changing, params);
          const given = body.notification_rule;
          const rule: NotificationRule = {
            ...before,
            urgency: given.urgency ?? before.urgency,
            contactMethodId: given.contact_method?.id ?? before.contactMethodId,
            startDelayInMinutes: given.start_delay_in_minutes ?? before.startDelayInMinutes,
          };
          await requireOwnMethod(changing, rule);
          await notificationRules.update(changing.trx, rule);
          return { status: 200, body: { notification_rule: await json(changing, rule) } };
        }),
    }),
    defineRoute({
      ...common,
      method: 'delete',
      path: `${path}/{notification_rule_id}`,
      operationId: 'deleteNotificationRule',
      summary: 'Delete a notification rule',
      params: ruleParams,
      responses: { 204: ok('Deleted.') },
      handle: ({ actor, params }) =>
        store.change(actor, async (changing) => {
          const rule = await findRule(changing, params);
          await notificationRules.remove(changing.trx, rule.id);
          return { status: 204 };
        }),
    }),
  ];
}

async function findRule({ trx }: Reading, params: z.infer<typeof ruleParams>) {
  const rule = await getOr404(trx, notificationRules, params.notification_rule_id);
  if (rule.userId !== params.id) throw notFound();
  return rule;
}

async function requireOwnMethod({ trx }: Changing, rule: NotificationRule): Promise<void> {
  const method = await contactMethods.find(trx, rule.contactMethodId);
  if (method?.userId === rule.userId) return;
  throw invalidInput('notification_rule.contact_method: is not a contact method of the user');
}

async function json(
  { trx, refer }: Reading,
  rule: NotificationRule,
  include: ReadonlySet<string> = new Set(),
) {
  const method = await contactMethods.find(trx, rule.contactMethodId);
  return ruleJson(refer, rule, method ? [method] : [], include);
}
