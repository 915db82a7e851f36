import { z } from 'zod';

import { completeSchedules, schedules, type ScheduleRecord } from '../../db/stores/schedules.ts';
import { escalationPolicies } from '../../db/stores/services.ts';
import { users } from '../../db/stores/users.ts';
import { renderSchedule } from '../../domain/schedule/schedule.ts';
import { newId } from '../../platform/ids.ts';
import type { ApiDeps } from '../deps.ts';
import { defineRoute, type Route } from '../route.ts';
import { scheduleOf, schedulesJson, usesSchedule } from './schedule-reading.ts';
import {
  createConfigStore,
  getOr404,
  refuseInUse,
  requireKnown,
  type Reading,
} from './shared/config-store.ts';
import { listParam, pageBody, pageQuery, readPage, searchParam } from './shared/pagination.ts';
import {
  overflowParam,
  rangeQuery,
  readLayers,
  readRange,
  scheduleCreateBody,
  scheduleUpdateBody,
} from './shared/schedule-input.ts';
import {
  idParams,
  idSchema,
  includeParam,
  ok,
  pageSchema,
  referenceSchema,
  resourceSchema,
  timeZoneParam,
  wrapped,
} from './shared/schemas.ts';
import { userSchema, usersJson } from './users.ts';

const shownQuery = {
  ...rangeQuery,
  'include[]': includeParam,
  time_zone: timeZoneParam,
  include_next_oncall_for_user: idSchema.optional(),
};
const getQuery = z.object(shownQuery);
const changeQuery = z.object({ overflow: overflowParam });
const listQuery = z.object({
  ...pageQuery,
  ...shownQuery,
  query: searchParam,
  'team_ids[]': listParam,
});
const scheduleSchema = resourceSchema({
  name: z.string(),
  description: z.string().nullable(),
  time_zone: z.string(),
  schedule_layers: z.array(z.looseObject({ id: z.string() })).optional(),
  users: z.array(referenceSchema),
  teams: z.array(referenceSchema),
  escalation_policies: z.array(referenceSchema),
});
const one = wrapped('schedule', scheduleSchema);
const common = { tag: 'Schedules', permission: 'configuration:write' } as const;
const reading = { tag: 'Schedules', permission: 'configuration:read' } as const;

/** `/schedules`, without overrides. */
export function createScheduleRoutes(deps: ApiDeps): readonly Route[] {
  const store = createConfigStore(deps);
  return [
    defineRoute({
      ...reading,
      method: 'get',
      path: '/schedules',
      operationId: 'listSchedules',
      summary: 'List schedules; layers with include[]=schedule_layers',
      query: listQuery,
      responses: { 200: ok('Schedules.', pageSchema('schedules', scheduleSchema)) },
      handle: ({ actor, query }) =>
        store.read(actor, async (read) => {
          const page = readPage(query);
          const overlaps = [['team_ids', query['team_ids[]'] ?? []]] as const;
          const found = await schedules.list(read.trx, { page, query: query.query, overlaps });
          const include = query['include[]'] ?? [];
          const rendered =
            include.some((name) => RENDERED.includes(name)) || query.since || query.until;
          const range = rendered ? { range: readRange(query, read.now) } : {};
          const items = await schedulesJson(read, found.items, {
            ...range,
            ...nextOf(query, read),
          });
          const shown = items.map((item) => only(item, include));
          return { status: 200, body: pageBody('schedules', shown, page, found) };
        }),
    }),
    defineRoute({
      ...common,
      method: 'post',
      path: '/schedules',
      operationId: 'createSchedule',
      summary: 'Create a schedule',
      query: changeQuery,
      body: scheduleCreateBody,
      responses: { 201: ok('The schedule.', one) },
      handle: ({ actor, body, query }) =>
        store.change(actor, async (changing) => {
          const record = newSchedule(body.schedule);
          await requireReferences(changing, record);
          await schedules.insert(changing.trx, changing.accountId, record);
          const range = readRange(query, changing.now);
          return { status: 201, body: { schedule: await scheduleOf(changing, record, { range }) } };
        }),
    }),
    defineRoute({
      ...reading,
      method: 'post',
      path: '/schedules/preview',
      operationId: 'previewSchedule',
      summary: 'Show who would be on call, without creating anything',
      query: z.object(rangeQuery),
      body: scheduleCreateBody,
      responses: { 200: ok('The schedule as it would be.', one) },
      handle: ({ actor, body, query }) =>
        store.read(actor, async (read) => {
          const record = newSchedule(body.schedule);
          await requireReferences(read, record);
          const range = readRange(query, read.now);
          return { status: 200, body: { schedule: await scheduleOf(read, record, { range }) } };
        }),
    }),
    defineRoute({
      ...reading,
      method: 'get',
      path: '/schedules/{id}',
      operationId: 'getSchedule',
      summary: 'Get a schedule, rendered for since to until (two weeks from now)',
      params: idParams,
      query: getQuery,
      responses: { 200: ok('The schedule.', one) },
      handle: ({ actor, params, query }) =>
        store.read(actor, async (read) => {
          const record = await getOr404(read.trx, schedules, params.id);
          const shown = { range: readRange(query, read.now), ...nextOf(query, read) };
          return { status: 200, body: { schedule: await scheduleOf(read, record, shown) } };
        }),
    }),
    defineRoute({
      ...common,
      method: 'put',
      path: '/schedules/{id}',
      operationId: 'updateSchedule',
      summary: 'Update a schedule; layers, when given, replace the old ones',
      params: idParams,
      query: changeQuery,
      body: scheduleUpdateBody,
      responses: { 200: ok('The schedule.', one) },
      handle: ({ actor, params, body, query }) =>
        store.change(actor, async (changing) => {
          const before = await getOr404(changing.trx, schedules, params.id);
          const record = merged(before, body.schedule);
          await requireReferences(changing, record);
          await schedules.update(changing.trx, record);
          const range = readRange(query, changing.now);
          return { status: 200, body: { schedule: await scheduleOf(changing, record, { range }) } };
        }),
    }),
    defineRoute({
      ...common,
      method: 'delete',
      path: '/schedules/{id}',
      operationId: 'deleteSchedule',
      summary: 'Delete a schedule that no escalation policy uses',
      params: idParams,
      responses: { 204: ok('Deleted.') },
      handle: ({ actor, params }) =>
        store.change(actor, async ({ trx }) => {
          const record = await getOr404(trx, schedules, params.id);
          const policies = await escalationPolicies.all(trx);
          const uses = policies.filter((policy) => usesSchedule(policy, record.id));
          refuseInUse(
            'The schedule',
            uses.map((policy) => `the escalation policy ${policy.name}`),
          );
          await schedules.remove(trx, record.id);
          return { status: 204 };
        }),
    }),
    defineRoute({
      ...reading,
      method: 'get',
      path: '/schedules/{id}/users',
      operationId: 'listScheduleUsers',
      summary: 'Users on call in the range',
      params: idParams,
      query: z.object(rangeQuery),
      responses: { 200: ok('Users.', z.object({ users: z.array(userSchema) })) },
      handle: ({ actor, params, query }) =>
        store.read(actor, async (read) => {
          const record = await getOr404(read.trx, schedules, params.id);
          const [schedule] = await completeSchedules(read.trx, [record]);
          const { since, until } = readRange(query, read.now);
          const entries = schedule ? renderSchedule(schedule, since, until) : [];
          const ids = [...new Set(entries.map((entry) => entry.userId))];
          const found = await users.where(read.trx, 'id', ids);
          return { status: 200, body: { users: await usersJson(read, found) } };
        }),
    }),
  ];
}

/** Parts of a schedule that a list shows on demand. */
const RENDERED = ['final_schedule', 'overrides_subschedule'];
const ON_DEMAND = ['schedule_layers', ...RENDERED];

function only(schedule: object, include: readonly string[]): Record<string, unknown> {
  const left = ON_DEMAND.filter((name) => !include.includes(name));
  return Object.fromEntries(Object.entries(schedule).filter(([name]) => !left.includes(name)));
}

function nextOf(
  query: { readonly include_next_oncall_for_user?: string | undefined },
  { now }: Reading,
) {
  const userId = query.include_next_oncall_for_user;
  return userId === undefined ? {} : { next: { userId, now } };
}

type Input = z.infer<typeof scheduleUpdateBody>['schedule'];

function newSchedule(given: z.infer<typeof scheduleCreateBody>['schedule']): ScheduleRecord {
  return {
    id: newId(),
    name: given.name,
    description: given.description ?? null,
    timeZone: given.time_zone,
    layers: readLayers(given.schedule_layers, new Set()),
    teamIds: given.teams?.map((team) => team.id) ?? [],
  };
}

function merged(before: ScheduleRecord, given: Input): ScheduleRecord {
  const known = new Set(before.layers.map((layer) => layer.id));
  return {
    id: before.id,
    name: given.name ?? before.name,
    description: given.description === undefined ? before.description : given.description,
    timeZone: given.time_zone ?? before.timeZone,
    layers: given.schedule_layers ? readLayers(given.schedule_layers, known) : before.layers,
    teamIds: given.teams?.map((team) => team.id) ?? before.teamIds,
  };
}

async function requireReferences({ trx }: Reading, record: ScheduleRecord): Promise<void> {
  const userIds = record.layers.flatMap((layer) => layer.userIds);
  await requireKnown(trx, 'user', userIds, 'schedule.schedule_layers.users');
  await requireKnown(trx, 'team', record.teamIds, 'schedule.teams');
}
