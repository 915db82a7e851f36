import { z } from 'zod';

import { escalationPolicies, services } from '../../db/stores/services.ts';
import type { EscalationPolicy, EscalationRule } from '../../domain/model.ts';
import { newId } from '../../platform/ids.ts';
import type { ApiDeps } from '../deps.ts';
import { defineRoute, type Route } from '../route.ts';
import { policyJson } from './policy-json.ts';
import {
  createConfigStore,
  getOr404,
  refuseInUse,
  requireKnown,
  type Reading,
} from './shared/config-store.ts';
import {
  listParam,
  pageBody,
  pageOfAll,
  pageQuery,
  readPage,
  searchParam,
} from './shared/pagination.ts';
import { readPolicyContext } from './shared/policy-context.ts';
import {
  descriptionSchema,
  idParams,
  idSchema,
  includeParam,
  nameSchema,
  ok,
  pageSchema,
  referenceSchema,
  resourceSchema,
  wrapped,
} from './shared/schemas.ts';

/** More rules are refused. */
const RULES_MAX = 20;

const target = z.object({
  id: idSchema,
  type: z.enum(['user', 'user_reference', 'schedule', 'schedule_reference']),
});
const rule = z.object({
  id: idSchema.nullish(),
  escalation_delay_in_minutes: z.int().min(1).max(30_000),
  targets: z.array(target).min(1).max(10),
  escalation_rule_assignment_strategy: z
    .literal('assign_to_everyone', 'only assign_to_everyone is supported')
    .optional(),
});
const fields = {
  name: nameSchema,
  description: descriptionSchema,
  num_loops: z.int().min(0).max(9).optional(),
  escalation_rules: z.array(rule).min(1).max(RULES_MAX),
  teams: z
    .array(z.object({ id: idSchema }))
    .max(1, 'a policy has one team at most')
    .nullish(),
};
const createBody = z.object({ escalation_policy: z.object(fields) });
const updateBody = z.object({ escalation_policy: z.object(fields).partial() });
const listQuery = z.object({
  ...pageQuery,
  query: searchParam,
  'user_ids[]': listParam,
  'team_ids[]': listParam,
  'include[]': includeParam,
  sort_by: z.enum(['name', 'name:asc', 'name:desc']).default('name'),
});
const getQuery = z.object({ 'include[]': includeParam });
const policySchema = resourceSchema({
  name: z.string(),
  description: z.string().nullable(),
  num_loops: z.int(),
  escalation_rules: z.array(z.looseObject({ id: z.string() })),
  services: z.array(referenceSchema),
  teams: z.array(referenceSchema),
});
const one = wrapped('escalation_policy', policySchema);
const common = { tag: 'Escalation policies', permission: 'configuration:write' } as const;
const reading = { tag: 'Escalation policies', permission: 'configuration:read' } as const;

/** `/escalation_policies`: whom to page, one rule after the other. */
export function createEscalationPolicyRoutes(deps: ApiDeps): readonly Route[] {
  const store = createConfigStore(deps);
  const answer = async (read: Reading, policy: EscalationPolicy, include?: readonly string[]) => {
    const context = await readPolicyContext(read, { policies: [policy] }, include);
    return { escalation_policy: policyJson(policy, context) };
  };
  return [
    defineRoute({
      ...reading,
      method: 'get',
      path: '/escalation_policies',
      operationId: 'listEscalationPolicies',
      summary: 'List escalation policies',
      query: listQuery,
      responses: { 200: ok('Policies.', pageSchema('escalation_policies', policySchema)) },
      handle: ({ actor, query }) =>
        store.read(actor, async (read) => {
          const page = readPage(query);
          const matching = selected(await escalationPolicies.all(read.trx), query);
          const found = pageOfAll(matching, page);
          const include = query['include[]'];
          const context = await readPolicyContext(read, { policies: found.items }, include);
          const items = found.items.map((policy) => policyJson(policy, context));
          return { status: 200, body: pageBody('escalation_policies', items, page, found) };
        }),
    }),
    defineRoute({
      ...common,
      method: 'post',
      path: '/escalation_policies',
      operationId: 'createEscalationPolicy',
      summary: 'Create an escalation policy',
      body: createBody,
      responses: { 201: ok('The policy.', one) },
      handle: ({ actor, body }) =>
        store.change(actor, async (changing) => {
          const given = body.escalation_policy;
          const policy: EscalationPolicy = {
            id: newId(),
            name: given.name,
            description: given.description ?? null,
            numLoops: given.num_loops ?? 0,
            rules: readRules(given.escalation_rules, new Set()),
            teamIds: given.teams?.map((team) => team.id) ?? [],
          };
          await requireReferences(changing, policy);
          await escalationPolicies.insert(changing.trx, changing.accountId, policy);
          return { status: 201, body: await answer(changing, policy) };
        }),
    }),
    defineRoute({
      ...reading,
      method: 'get',
      path: '/escalation_policies/{id}',
      operationId: 'getEscalationPolicy',
      summary: 'Get an escalation policy',
      params: idParams,
      query: getQuery,
      responses: { 200: ok('The policy.', one) },
      handle: ({ actor, params, query }) =>
        store.read(actor, async (read) => {
          const policy = await getOr404(read.trx, escalationPolicies, params.id);
          return { status: 200, body: await answer(read, policy, query['include[]']) };
        }),
    }),
    defineRoute({
      ...common,
      method: 'put',
      path: '/escalation_policies/{id}',
      operationId: 'updateEscalationPolicy',
      summary: 'Update an escalation policy; open incidents keep the old one',
      params: idParams,
      body: updateBody,
      responses: { 200: ok('The policy.', one) },
      handle: ({ actor, params, body }) =>
        store.change(actor, async (changing) => {
          const before = await getOr404(changing.trx, escalationPolicies, params.id);
          const policy = merged(before, body.escalation_policy);
          await requireReferences(changing, policy);
          await escalationPolicies.update(changing.trx, policy);
          return { status: 200, body: await answer(changing, policy) };
        }),
    }),
    defineRoute({
      ...common,
      method: 'delete',
      path: '/escalation_policies/{id}',
      operationId: 'deleteEscalationPolicy',
      summary: 'Delete an escalation policy that no service uses',
      params: idParams,
      responses: { 204: ok('Deleted.') },
      handle: ({ actor, params }) =>
        store.change(actor, async ({ trx }) => {
          const policy = await getOr404(trx, escalationPolicies, params.id);
          const uses = await services.where(trx, 'escalation_policy_id', [policy.id]);
          refuseInUse(
            'The escalation policy',
            uses.map((service) => `the service ${service.name}`),
          );
          await escalationPolicies.remove(trx, policy.id);
          return { status: 204 };
        }),
    }),
  ];
}

function selected(
  all: readonly EscalationPolicy[],
  query: z.infer<typeof listQuery>,
): readonly EscalationPolicy[] {
  const text = query.query?.toLowerCase() ?? '';
  const userIds = query['user_ids[]'] ?? [];
  const teamIds = query['team_ids[]'] ?? [];
  const found = all.filter(
    (policy) =>
      policy.name.toLowerCase().includes(text) &&
      (teamIds.length === 0 || policy.teamIds.some((id) => teamIds.includes(id))) &&
      (userIds.length === 0 || targetIds(policy, 'user').some((id) => userIds.includes(id))),
  );
  return query.sort_by === 'name:desc' ? found.toReversed() : found;
}

function targetIds(policy: EscalationPolicy, type: 'user' | 'schedule'): readonly string[] {
  const targets = policy.rules.flatMap((item) => item.targets);
  return targets.filter((item) => item.type === type).map((item) => item.id);
}

function readRules(
  given: z.infer<typeof rule>[],
  known: ReadonlySet<string>,
): readonly EscalationRule[] {
  return given.map((item) => ({
    id: item.id && known.has(item.id) ? item.id : newId(),
    escalationDelayInMinutes: item.escalation_delay_in_minutes,
    targets: item.targets.map(({ id, type }) => ({
      id,
      type: type.startsWith('user') ? 'user' : 'schedule',
    })),
  }));
}

function merged(
  before: EscalationPolicy,
  given: z.infer<typeof updateBody>['escalation_policy'],
): EscalationPolicy {
  const known = new Set(before.rules.map((item) => item.id));
  return {
    id: before.id,
    name: given.name ?? before.name,
    description: given.description === undefined ? before.description : given.description,
    numLoops: given.num_loops ?? before.numLoops,
    rules: given.escalation_rules ? readRules(given.escalation_rules, known) : before.rules,
    teamIds: given.teams?.map((team) => team.id) ?? before.teamIds,
  };
}

async function requireReferences({ trx }: Reading, policy: EscalationPolicy): Promise<void> {
  const field = 'escalation_policy.escalation_rules.targets';
  await requireKnown(trx, 'user', targetIds(policy, 'user'), field);
  await requireKnown(trx, 'schedule', targetIds(policy, 'schedule'), field);
  await requireKnown(trx, 'team', policy.teamIds, 'escalation_policy.teams');
}
