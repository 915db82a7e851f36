import { z } from 'zod';

import { memberIds, teams } from '../../db/stores/teams.ts';
import { completeUsers, users, type UserRecord } from '../../db/stores/users.ts';
import type { User } from '../../domain/model.ts';
import type { ApiDeps } from '../deps.ts';
import { defineRoute, type Route } from '../route.ts';
import { createConfigStore, getOr404, refuseInUse, type Reading } from './shared/config-store.ts';
import { listParam, pageBody, pageQuery, readPage, searchParam } from './shared/pagination.ts';
import { invalidInput, notFound } from './shared/rest-error.ts';
import { requireGrantable } from './shared/roles.ts';
import {
  idParams,
  includeParam,
  ok,
  pageSchema,
  resourceSchema,
  referenceSchema,
  wrapped,
} from './shared/schemas.ts';
import {
  createUser,
  roleSchema,
  updateUser,
  userCreateBody,
  userUpdateBody,
  usesOfUser,
} from './user-changes.ts';
import { userJson } from './user-json.ts';

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
      body: userCreateBody,
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
      body: userUpdateBody,
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
