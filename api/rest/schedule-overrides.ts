import { z } from 'zod';

import { overrides, schedules, type OverrideRecord } from '../../db/stores/schedules.ts';
import { newId } from '../../platform/ids.ts';
import type { ApiDeps } from '../deps.ts';
import { defineRoute, type Route } from '../route.ts';
import { overrideJson } from './schedule-json.ts';
import { overrideContext } from './schedule-reading.ts';
import { createConfigStore, getOr404, requireKnown, type Changing } from './shared/config-store.ts';
import { invalidInput, notFound } from './shared/rest-error.ts';
import { overflowParam } from './shared/schedule-input.ts';
import { idParams, idSchema, instantSchema, ok, referenceInput } from './shared/schemas.ts';

/** Overrides of one request; of one schedule that are not over. */
const OVERRIDES_MAX = { request: 100, schedule: 1000 };

const override = z
  .object({ start: instantSchema, end: instantSchema, user: referenceInput })
  .refine((value) => value.end > value.start, 'end must be after start');
const createBody = z.union([
  z.object({ overrides: z.array(override).min(1).max(OVERRIDES_MAX.request) }),
  z.object({ override }),
]);
const listQuery = z.object({
  since: instantSchema,
  until: instantSchema,
  editable: z.enum(['true', 'false']).default('false'),
  overflow: overflowParam,
});
const overrideParams = z.object({ id: idSchema, override_id: idSchema });
const common = { tag: 'Schedules', permission: 'configuration:write' } as const;

/** `/schedules/{id}/overrides`: somebody takes over for a while; the last created wins. */
export function createOverrideRoutes(deps: ApiDeps): readonly Route[] {
  const store = createConfigStore(deps);
  return [
    defineRoute({
      ...common,
      permission: 'configuration:read',
      method: 'get',
      path: '/schedules/{id}/overrides',
      operationId: 'listOverrides',
      summary: 'List the overrides that touch the range, cut at its bounds unless overflow is true',
      params: idParams,
      query: listQuery,
      responses: { 200: ok('The overrides.') },
      handle: ({ actor, params, query }) =>
        store.read(actor, async (read) => {
          const schedule = await getOr404(read.trx, schedules, params.id);
          const found = await overrides.where(read.trx, 'schedule_id', [schedule.id]);
          const inRange = found.filter(
            (item) => item.start < query.until && item.end > query.since,
          );
          if (query.editable === 'true') {
            const ids = inRange.filter(({ end }) => end > read.now).map(({ id }) => ({ id }));
            return { status: 200, body: { overrides: ids } };
          }
          const shown =
            query.overflow === 'true' ? inRange : inRange.map((item) => within(item, query));
          const context = await overrideContext(read, shown);
          const items = shown.map((item) => overrideJson(item, context));
          return { status: 200, body: { overrides: items } };
        }),
    }),
    defineRoute({
      ...common,
      method: 'post',
      path: '/schedules/{id}/overrides',
      operationId: 'createOverrides',
      summary: 'Create overrides, all or none; the past stays as it was',
      params: idParams,
      body: createBody,
      responses: { 201: ok('One answer for each override.') },
      handle: ({ actor, params, body }) =>
        store.change(actor, async (changing) => {
          const schedule = await getOr404(changing.trx, schedules, params.id);
          const single = 'override' in body;
          const given = single ? [body.override] : body.overrides;
          const made = await createOverrides(changing, schedule.id, given);
          const context = await overrideContext(changing, made);
          const items = made.map((item) => overrideJson(item, context));
          const many = items.map((item) => ({ status: 201, override: item }));
          return { status: 201, body: single ? { override: items[0] } : many };
        }),
    }),
    defineRoute({
      ...common,
      method: 'delete',
      path: '/schedules/{id}/overrides/{override_id}',
      operationId: 'deleteOverride',
      summary: 'Delete a future override (204), or end a running one now (200)',
      params: overrideParams,
      responses: { 200: ok('Ended now.'), 204: ok('Deleted.') },
      handle: ({ actor, params }) =>
        store.change(actor, async ({ trx, now }) => {
          const found = await getOr404(trx, overrides, params.override_id);
          if (found.scheduleId !== params.id) throw notFound();
          if (found.end <= now) throw invalidInput('A past override cannot be changed');
          if (found.start >= now) {
            await overrides.remove(trx, found.id);
            return { status: 204 };
          }
          await overrides.update(trx, { ...found, end: now });
          return { status: 200, body: {} };
        }),
    }),
  ];
}

function within(
  item: OverrideRecord,
  range: { readonly since: string; readonly until: string },
): OverrideRecord {
  const start = item.start < range.since ? range.since : item.start;
  const end = item.end > range.until ? range.until : item.end;
  return { ...item, start, end };
}

async function createOverrides(
  { trx, accountId, now }: Changing,
  scheduleId: string,
  given: z.infer<typeof override>[],
): Promise<readonly OverrideRecord[]> {
  const userIds = given.map((item) => item.user.id);
  await requireKnown(trx, 'user', userIds, 'overrides.user');
  const past = given.flatMap((item, index) => (item.end <= now ? [index] : []));
  if (past.length > 0) {
    throw invalidInput(...past.map((index) => `overrides.${index}.end: must be in the future`));
  }
  const existing = await overrides.where(trx, 'schedule_id', [scheduleId]);
  const live = existing.filter((item) => item.end > now).length;
  if (live + given.length > OVERRIDES_MAX.schedule) {
    throw invalidInput(`overrides: a schedule has at most ${OVERRIDES_MAX.schedule} to come`);
  }
  const made = given.map((item): OverrideRecord => ({
    id: newId(),
    scheduleId,
    userId: item.user.id,
    start: item.start < now ? now : item.start,
    end: item.end,
    createdAt: now,
  }));
  for (const item of made) await overrides.insert(trx, accountId, item);
  return made;
}
