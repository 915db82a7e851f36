import { z } from 'zod';

import { overrides, schedules } from '../../db/stores/schedules.ts';
import { escalationPolicies } from '../../db/stores/services.ts';
import { memberIds, teams } from '../../db/stores/teams.ts';
import {
  completeUsers,
  contactMethods,
  countOpenIncidents,
  notificationRules,
  users,
  type UserRecord,
} from '../../db/stores/users.ts';
import type { Role, User } from '../../domain/model.ts';
import { can, type Actor } from '../../domain/permissions.ts';
import { newId } from '../../platform/ids.ts';
import type { ApiDeps } from '../deps.ts';
import { defineRoute, type Route } from '../route.ts';
import {
  createConfigStore,
  getOr404,
  refuseInUse,
  type Changing,
  type Reading,
} from './shared/config-store.ts';
import { listParam, pageBody, pageQuery, readPage, searchParam } from './shared/pagination.ts';
import { accessDenied, invalidInput, notFound } from './shared/rest-error.ts';
import { requireGrantable, ROLES } from './shared/roles.ts';
import {
  idParams,
  includeParam,
  nameSchema,
  ok,
  pageSchema,
  resourceSchema,
  referenceSchema,
  timeZoneSchema,
  wrapped,
} from './shared/schemas.ts';
import { userJson } from './user-json.ts';

const roleSchema = z.enum(ROLES);
const fields = {
  time_zone: timeZoneSchema.optional(),
  role: roleSchema.optional(),
  job_title: z.string().max(100).nullish(),
  description: z.string().max(1024).nullish(),
};
const emailSchema = z.email().max(100);
const createBody = z.object({
  user: z.object({ name: nameSchema, email: emailSchema, ...fields }),
});
const updateBody = z.object({
  user: z.object({ name: nameSchema.optional(), email: emailSchema.optional(), ...fields }),
});
const getQuery = z.object({ 'include[]': includeParam });
const listQuery = z.object({
  ...pageQuery,
  query: searchParam,
  'team_ids[]': listParam,
  'include[]': includeParam,
});

/** A user as answered. */
export const userSchema = resourceSchema({
  name: z.string(),
  email: z.string(),
  time_zone: z.string(),
  role: roleSchema,
  job_title: z.string().nullable(),
  description: z.string().nullable(),
  teams: z.array(referenceSchema),
  contact_methods: z.array(referenceSchema),
  notification_rules: z.array(referenceSchema),
});
const one = wrapped('user', userSchema);
const common = { tag: 'Users', permission: 'configuration:read' } as const;

/** `/users` and `/users/me`. */
export function createUserRoutes(deps: ApiDeps): readonly Route[] {
  const store = createConfigStore(deps);
  const answerOne = async (reading: Reading, record: UserRecord, include: readonly string[] = []) =>
    ({ user: (await usersJson(reading, [record], include))[0] }) as const;
  return [
    defineRoute({
      ...common,
      method: 'get',
      path: '/users',
      operationId: 'listUsers',
      summary: 'List users',
      query: listQuery,
      responses: { 200: ok('Users.', pageSchema('users', userSchema)) },
      handle: ({ actor, query }) =>
        store.read(actor, async (reading) => {
          const page = readPage(query);
          const { trx } = reading;
          const teamIds = query['team_ids[]'] ?? [];
          const ids = teamIds.length > 0 ? await memberIds(trx, teamIds) : null;
          // an empty list would not filter, and nobody has an empty id
          const among = ids ? ([['id', ids.length > 0 ? ids : ['']]] as const) : [];
          const found = await users.list(trx, { page, query: query.query, among });
          const items = await usersJson(reading, found.items, query['include[]'] ?? []);
          return { status: 200, body: pageBody('users', items, page, found) };
        }),
    }),
    defineRoute({
      ...common,
      permission: 'users:write',
      method: 'post',
      path: '/users',
      operationId: 'createUser',
      summary: 'Create a user with an unverified e-mail method and a rule for each urgency',
      body: createBody,
      responses: { 201: ok('The user.', one) },
      handle: ({ actor, body }) =>
        store.change(actor, async (changing) => {
          const record = await createUser(changing, actor, body.user);
          return { status: 201, body: await answerOne(changing, record) };
        }),
    }),
    defineRoute({
      ...common,
      method: 'get',
      path: '/users/me',
      operationId: 'getCurrentUser',
      summary: 'The user whose key it is',
      query: getQuery,
      responses: { 200: ok('The user.', one) },
      handle: ({ actor, query }) =>
        store.read(actor, async (reading) => {
          if (actor.userId === null) {
            throw invalidInput('The key belongs to the account, not to a user.');
          }
          const record = await getOr404(reading.trx, users, actor.userId);
          return { status: 200, body: await answerOne(reading, record, query['include[]']) };
        }),
    }),
    defineRoute({
      ...common,
      method: 'get',
      path: '/users/{id}',
      operationId: 'getUser',
      summary: 'Get a user',
      params: idParams,
      query: getQuery,
      responses: { 200: ok('The user.', one) },
      handle: ({ actor, params, query }) =>
        store.read(actor, async (reading) => {
          const record = await getOr404(reading.trx, users, params.id);
          return { status: 200, body: await answerOne(reading, record, query['include[]']) };
        }),
    }),
    defineRoute({
      ...common,
      permission: 'own_user:write',
      method: 'put',
      path: '/users/{id}',
      operationId: 'updateUser',
      summary: 'Update a user; oneself, or anybody with the right to change users',
      params: idParams,
      body: updateBody,
      responses: { 200: ok('The user.', one) },
      handle: ({ actor, params, body }) =>
        store.change(actor, async (changing) => {
          const before = await getOr404(changing.trx, users, params.id);
          const record = await updateUser(changing, actor, before, body.user);
          return { status: 200, body: await answerOne(changing, record) };
        }),
    }),
    defineRoute({
      ...common,
      permission: 'users:write',
      method: 'delete',
      path: '/users/{id}',
      operationId: 'deleteUser',
      summary: 'Delete a user whom nothing needs',
      params: idParams,
      responses: { 204: ok('Deleted.') },
      handle: ({ actor, params }) =>
        store.change(actor, async (changing) => {
          const user = await getOr404(changing.trx, users, params.id);
          requireGrantable(actor, user.role);
          refuseInUse('The user', await usesOfUser(changing, user.id));
          if (!(await users.remove(changing.trx, user.id))) throw notFound();
          return { status: 204 };
        }),
    }),
  ];
}

/** Users in full, as answered. */
export async function usersJson(
  { trx, refer }: Reading,
  records: readonly UserRecord[],
  include: readonly string[] = [],
): Promise<readonly Record<string, unknown>[]> {
  const complete = await completeUsers(trx, records);
  const found = await teams.where(
    trx,
    'id',
    complete.flatMap((user) => user.teamIds),
  );
  const byId = new Map(found.map((team) => [team.id, team]));
  return complete.map((user: User) => userJson(refer, user, byId, new Set(include)));
}

type Input = z.infer<typeof updateBody>['user'];

async function createUser(
  { trx, accountId, account }: Changing,
  actor: Actor,
  input: z.infer<typeof createBody>['user'],
): Promise<UserRecord> {
  const role: Role = input.role ?? 'user';
  requireGrantable(actor, role);
  if (role === 'owner') throw invalidInput('user.role: the account has its owner');
  await requireFreeEmail(trx, input.email, null);
  const record: UserRecord = {
    id: newId(),
    name: input.name,
    email: input.email,
    timeZone: input.time_zone ?? account.timeZone,
    role,
    jobTitle: input.job_title ?? null,
    description: input.description ?? null,
  };
  await users.insert(trx, accountId, record);
  const methodId = newId();
  await contactMethods.insert(trx, accountId, {
    id: methodId,
    userId: record.id,
    channel: 'email',
    label: 'Default',
    address: record.email.toLowerCase(),
    secret: null,
    verifiedAt: null,
    optedOutAt: null,
  });
  for (const urgency of ['high', 'low'] as const) {
    await notificationRules.insert(trx, accountId, {
      id: newId(),
      userId: record.id,
      urgency,
      contactMethodId: methodId,
      startDelayInMinutes: 0,
    });
  }
  return record;
}

async function updateUser(
  { trx }: Changing,
  actor: Actor,
  before: UserRecord,
  input: Input,
): Promise<UserRecord> {
  const record: UserRecord = {
    ...before,
    name: input.name ?? before.name,
    email: input.email ?? before.email,
    timeZone: input.time_zone ?? before.timeZone,
    role: input.role ?? before.role,
    jobTitle: input.job_title === undefined ? before.jobTitle : input.job_title,
    description: input.description === undefined ? before.description : input.description,
  };
  if (before.id !== actor.userId) requireGrantable(actor, before.role);
  if (record.role !== before.role) requireRoleChange(actor, before, record.role);
  if (record.email !== before.email) await requireFreeEmail(trx, record.email, before.id);
  await users.update(trx, record);
  return record;
}

// Nobody lifts themselves, and the account always keeps its owner.
function requireRoleChange(actor: Actor, before: UserRecord, role: Role): void {
  const { allowed, reason } = can(actor, 'users:write');
  if (!allowed) throw accessDenied(reason);
  if (before.role === 'owner' || role === 'owner') {
    throw invalidInput('user.role: the owner of the account stays the same');
  }
  requireGrantable(actor, role);
}

async function requireFreeEmail(
  trx: Changing['trx'],
  email: string,
  exceptId: string | null,
): Promise<void> {
  const found = await users.list(trx, {
    page: { limit: 100, offset: 0, total: false },
    query: email,
  });
  const taken = found.items.some(
    (user) => user.email.toLowerCase() === email.toLowerCase() && user.id !== exceptId,
  );
  if (taken) throw invalidInput('user.email: has already been taken');
}

async function usesOfUser({ trx, account, now }: Changing, userId: string): Promise<string[]> {
  const uses: string[] = [];
  if (account.ownerUserId === userId) uses.push('the account, as its owner');
  if (account.catchAllUserId === userId) uses.push('the account, as its catch-all');
  for (const policy of await escalationPolicies.all(trx)) {
    const targets = policy.rules.flatMap((rule) => rule.targets);
    if (targets.some((target) => target.type === 'user' && target.id === userId)) {
      uses.push(`the escalation policy ${policy.name}`);
    }
  }
  for (const schedule of await schedules.all(trx)) {
    if (schedule.layers.some((layer) => layer.userIds.includes(userId))) {
      uses.push(`the schedule ${schedule.name}`);
    }
  }
  const covers = await overrides.where(trx, 'user_id', [userId]);
  if (covers.some((override) => override.end > now)) uses.push('an override that is not over');
  if ((await countOpenIncidents(trx, userId)) > 0) uses.push('open incidents');
  return uses;
}
