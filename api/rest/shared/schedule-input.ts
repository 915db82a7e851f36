import { z } from 'zod';

import type { Restriction, ScheduleLayer } from '../../../domain/model.ts';
import { newId } from '../../../platform/ids.ts';
import { invalidInput } from './rest-error.ts';
import {
  descriptionSchema,
  idSchema,
  instantSchema,
  nameSchema,
  referenceInput,
  timeZoneSchema,
} from './schemas.ts';

const DAY_SEC = 86_400;
const TURN_SEC = { min: 3600, max: 365 * DAY_SEC };
/** More layers, users of a layer or restrictions are refused. */
const LAYERS_MAX = 50;
const LAYER_USERS_MAX = 200;
const RESTRICTIONS_MAX = 50;
const RANGE_MAX_MS = 366 * DAY_SEC * 1000;
const RANGE_DEFAULT_MS = 14 * DAY_SEC * 1000;

const restriction = z
  .object({
    type: z.enum(['daily_restriction', 'weekly_restriction']),
    start_time_of_day: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d:[0-5]\d$/, 'must be HH:mm:ss'),
    duration_seconds: z
      .int()
      .min(1)
      .max(7 * DAY_SEC),
    start_day_of_week: z.int().min(1).max(7).optional(),
  })
  .refine(
    (value) => value.type === 'daily_restriction' || value.start_day_of_week !== undefined,
    'a weekly restriction needs start_day_of_week',
  )
  .refine(
    (value) => value.type === 'weekly_restriction' || value.duration_seconds <= DAY_SEC,
    'a daily restriction lasts at most 86400 seconds',
  );
const layer = z
  .object({
    id: idSchema.nullish(),
    name: nameSchema.nullish(),
    start: instantSchema,
    end: instantSchema.nullish(),
    rotation_virtual_start: instantSchema,
    rotation_turn_length_seconds: z.int().min(TURN_SEC.min).max(TURN_SEC.max),
    users: z
      .array(z.object({ user: referenceInput }))
      .min(1)
      .max(LAYER_USERS_MAX),
    restrictions: z.array(restriction).max(RESTRICTIONS_MAX).nullish(),
  })
  .refine((value) => !value.end || value.end > value.start, 'end must be after start');
const schedule = {
  name: nameSchema,
  description: descriptionSchema,
  time_zone: timeZoneSchema,
  schedule_layers: z.array(layer).min(1).max(LAYERS_MAX),
  teams: z.array(referenceInput).max(50).nullish(),
};
export const scheduleCreateBody = z.object({ schedule: z.object(schedule) });
export const scheduleUpdateBody = z.object({ schedule: z.object(schedule).partial() });
/** `overflow`: entries that pass the range's bounds are shown whole instead of cut. */
export const overflowParam = z.enum(['true', 'false']).default('false');
/** Optional range of a rendering. */
export const rangeQuery = {
  since: instantSchema.optional(),
  until: instantSchema.optional(),
  overflow: overflowParam,
};

/** Layers as they are kept; those without an id, or with one that is not `known`, are new. */
export function readLayers(
  given: z.infer<typeof layer>[],
  known: ReadonlySet<string>,
): readonly ScheduleLayer[] {
  const taken = new Set<string>();
  return given.map((item, index) => {
    const kept = item.id && known.has(item.id) && !taken.has(item.id);
    const id = kept && item.id ? item.id : newId();
    taken.add(id);
    return {
      id,
      name: item.name ?? `Layer ${index + 1}`,
      start: item.start,
      end: item.end ?? null,
      rotationVirtualStart: item.rotation_virtual_start,
      rotationTurnLengthSeconds: item.rotation_turn_length_seconds,
      userIds: item.users.map((entry) => entry.user.id),
      restrictions: (item.restrictions ?? []).map(readRestriction),
    };
  });
}

function readRestriction(given: z.infer<typeof restriction>): Restriction {
  return {
    type: given.type,
    startTimeOfDay: given.start_time_of_day,
    durationSeconds: given.duration_seconds,
    ...(given.start_day_of_week === undefined ? {} : { startDayOfWeek: given.start_day_of_week }),
  };
}

/** What is rendered: `since` is inside, `until` is not. */
export interface Range {
  readonly since: string;
  readonly until: string;
  /** Entries that pass the bounds are shown whole. */
  readonly overflow: boolean;
}

interface RangeQuery {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly overflow?: 'true' | 'false' | undefined;
}

/**
 * The range that is asked for: two weeks from `since`, or up to `until` where only that is given, or from now;
 * at most 366 days.
 * @throws RestError 400
 */
export function readRange(query: RangeQuery, now: string): Range {
  const after = (instant: string, ms: number) => new Date(Date.parse(instant) + ms).toISOString();
  const since = query.since ?? (query.until ? after(query.until, -RANGE_DEFAULT_MS) : now);
  const until = query.until ?? after(since, RANGE_DEFAULT_MS);
  const lengthMs = Date.parse(until) - Date.parse(since);
  if (lengthMs <= 0) throw invalidInput('until: must be after since');
  if (lengthMs > RANGE_MAX_MS) throw invalidInput('until: at most 366 days after since');
  return { since, until, overflow: query.overflow === 'true' };
}
