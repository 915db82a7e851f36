import { z } from 'zod';

import { schedules } from '../../db/stores/schedules.ts';
import { escalationPolicies, services } from '../../db/stores/services.ts';
import {
  listMembers,
  putMember,
  removeMember,
  teams,
  type TeamMember,
} from '../../db/stores/teams.ts';
import { users } from '../../db/stores/users.ts';
import type { Team } from '../../domain/model.ts';
import { newId } from '../../platform/ids.ts';
import type { ApiDeps } from '../deps.ts';
import { defineRoute, type Route } from '../route.ts';
import {
  createConfigStore,
  getOr404,
  refuseInUse,
  requireKnown,
  type Changing,
  type Reading,
} from './shared/config-store.ts';
import { pageBody, pageQuery, readPage, searchParam } from './shared/pagination.ts';
import { invalidInput, notFound } from './shared/rest-error.ts';
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
import { memberJson, teamJson } from './user-json.ts';
import { usersJson } from './users.ts';

const createBody = z.object({
  team: z.object({ name: nameSchema, description: descriptionSchema }),
});
const updateBody = z.object({
  team: z.object({ name: nameSchema.optional(), description: descriptionSchema }),
});
const teamRole = z.enum(['manager', 'responder', 'observer']);
const memberBody = z.object({ role: teamRole.default('manager') }).optional();
const memberParams = z.object({ id: idSchema, user_id: idSchema });
const deleteQuery = z.object({ reassignment_team: idSchema.optional() });
const membersQuery = z.object({ ...pageQuery, 'include[]': includeParam });
const teamSchema = resourceSchema({ name: z.string(), description: z.string().nullable() });
const memberSchema = z.object({ user: referenceSchema, role: teamRole });
const one = wrapped('team', teamSchema);
const common = { tag: 'Teams', permission: 'configuration:write' } as const;
const reading = { tag: 'Teams', permission: 'configuration:read' } as const;

/** `/teams` and their members. */
export function createTeamRoutes(deps: ApiDeps): readonly Route[] {
  const store = createConfigStore(deps);
  return [
    defineRoute({
      ...reading,
      method: 'get',
      path: '/teams',
      operationId: 'listTeams',
      summary: 'List teams',
      query: z.object({ ...pageQuery, query: searchParam }),
      responses: { 200: ok('Teams.', pageSchema('teams', teamSchema)) },
      handle: ({ actor, query }) =>
        store.read(actor, async ({ trx, refer }) => {
          const page = readPage(query);
          const found = await teams.list(trx, { page, query: query.query });
          const items = found.items.map((team) => teamJson(refer, team));
          return { status: 200, body: pageBody('teams', items, page, found) };
        }),
    }),
    defineRoute({
      ...common,
      method: 'post',
      path: '/teams',
      operationId: 'createTeam',
      summary: 'Create a team',
      body: createBody,
      responses: { 201: ok('The team.', one) },
      handle: ({ actor, body }) =>
        store.change(actor, async ({ trx, accountId, refer }) => {
          const description = body.team.description ?? null;
          const team: Team = { id: newId(), name: body.team.name, description };
          await requireFreeName(trx, team);
          await teams.insert(trx, accountId, team);
          return { status: 201, body: { team: teamJson(refer, team) } };
        }),
    }),
    defineRoute({
      ...reading,
      method: 'get',
      path: '/teams/{id}',
      operationId: 'getTeam',
      summary: 'Get a team',
      params: idParams,
      query: z.object({ 'include[]': includeParam }),
      responses: { 200: ok('The team.', one) },
      handle: ({ actor, params }) =>
        store.read(actor, async ({ trx, refer }) => {
          const team = await getOr404(trx, teams, params.id);
          return { status: 200, body: { team: teamJson(refer, team) } };
        }),
    }),
    defineRoute({
      ...common,
      method: 'put',
      path: '/teams/{id}',
      operationId: 'updateTeam',
      summary: 'Update a team',
      params: idParams,
      body: updateBody,
      responses: { 200: ok('The team.', one) },
      handle: ({ actor, params, body }) =>
        store.change(actor, async ({ trx, refer }) => {
          const before = await getOr404(trx, teams, params.id);
          const { name = before.name, description = before.description } = body.team;
          const team: Team = { id: before.id, name, description };
          await requireFreeName(trx, team);
          await teams.update(trx, team);
          return { status: 200, body: { team: teamJson(refer, team) } };
        }),
    }),
    defineRoute({
      ...common,
      method: 'delete',
      path: '/teams/{id}',
      operationId: 'deleteTeam',
      summary: 'Delete a team that nothing belongs to, or whose belongings go to another',
      params: idParams,
      query: deleteQuery,
      responses: { 204: ok('Deleted.') },
      handle: ({ actor, params, query }) =>
        store.change(actor, async (changing) => {
          const team = await getOr404(changing.trx, teams, params.id);
          const heir = query.reassignment_team;
          if (heir !== undefined) await handOver(changing.trx, team.id, heir);
          refuseInUse('The team', await usesOfTeam(changing, team.id));
          await teams.remove(changing.trx, team.id);
          return { status: 204 };
        }),
    }),
    defineRoute({
      ...reading,
      method: 'get',
      path: '/teams/{id}/members',
      operationId: 'listTeamMembers',
      summary: 'List a team’s members',
      params: idParams,
      query: membersQuery,
      responses: { 200: ok('Members.', pageSchema('members', memberSchema)) },
      handle: ({ actor, params, query }) =>
        store.read(actor, async (reading) => {
          const { trx, refer } = reading;
          const page = readPage(query);
          const team = await getOr404(trx, teams, params.id);
          const found = await listMembers(trx, team.id, page);
          const whole = query['include[]']?.includes('users')
            ? await wholeUsers(reading, found.items)
            : new Map<string, unknown>();
          const items = found.items.map((member) => {
            const json = memberJson(refer, member);
            return { ...json, user: whole.get(member.userId) ?? json['user'] };
          });
          return { status: 200, body: pageBody('members', items, page, found) };
        }),
    }),
    defineRoute({
      ...common,
      method: 'put',
      path: '/teams/{id}/users/{user_id}',
      operationId: 'addTeamMember',
      summary: 'Add a user to a team, or change the role there',
      params: memberParams,
      body: memberBody,
      responses: { 204: ok('The user is a member.') },
      handle: ({ actor, params, body }) =>
        store.change(actor, async ({ trx, accountId }) => {
          const team = await getOr404(trx, teams, params.id);
          const user = await getOr404(trx, users, params.user_id);
          const role = body?.role ?? 'manager';
          await putMember(trx, accountId, { teamId: team.id, userId: user.id, role });
          return { status: 204 };
        }),
    }),
    defineRoute({
      ...common,
      method: 'delete',
      path: '/teams/{id}/users/{user_id}',
      operationId: 'removeTeamMember',
      summary: 'Remove a user from a team',
      params: memberParams,
      responses: { 204: ok('Removed.') },
      handle: ({ actor, params }) =>
        store.change(actor, async ({ trx }) => {
          if (!(await removeMember(trx, params.id, params.user_id))) throw notFound();
          return { status: 204 };
        }),
    }),
  ];
}

async function wholeUsers(reading: Reading, members: readonly TeamMember[]) {
  const ids = members.map(({ userId }) => userId);
  const found = await usersJson(reading, await users.where(reading.trx, 'id', ids));
  return new Map(found.map((user): [string, unknown] => [String(user['id']), user]));
}

/** What belongs to the one team belongs to the other from now on. @throws RestError 400 */
async function handOver(trx: Changing['trx'], from: string, to: string): Promise<void> {
  if (from === to) throw invalidInput('reassignment_team: is the team itself');
  await requireKnown(trx, 'team', [to], 'reassignment_team');
  const moved = <T extends { readonly teamIds: readonly string[] }>(item: T): T => {
    const teamIds = item.teamIds.map((id) => (id === from ? to : id));
    return { ...item, teamIds: [...new Set(teamIds)] };
  };
  const owned = <T extends { readonly teamIds: readonly string[] }>(items: readonly T[]) =>
    items.filter(({ teamIds }) => teamIds.includes(from)).map(moved);
  for (const item of owned(await escalationPolicies.all(trx))) {
    await escalationPolicies.update(trx, item);
  }
  for (const item of owned(await schedules.all(trx))) await schedules.update(trx, item);
  for (const item of owned(await services.all(trx))) await services.update(trx, item);
}

async function requireFreeName(trx: Changing['trx'], team: Team): Promise<void> {
  const found = await teams.where(trx, 'name', [team.name]);
  if (found.some((other) => other.id !== team.id)) {
    throw invalidInput('team.name: has already been taken');
  }
}

async function usesOfTeam({ trx }: Changing, teamId: string): Promise<string[]> {
  const options = {
    page: { limit: 20, offset: 0, total: false },
    overlaps: [['team_ids', [teamId]]] as const,
  };
  const policies = await escalationPolicies.list(trx, options);
  const plans = await schedules.list(trx, options);
  const owned = await services.list(trx, options);
  return [
    ...policies.items.map((item) => `the escalation policy ${item.name}`),
    ...plans.items.map((item) => `the schedule ${item.name}`),
    ...owned.items.map((item) => `the service ${item.name}`),
  ];
}
