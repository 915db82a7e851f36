import type { Override, Restriction, Schedule, ScheduleLayer } from '../../domain/model.ts';
import type { Random } from '../../gamedays/random.ts';
import type { AccountOf } from './plan-account.ts';
import { DAY_MS } from './stretches.ts';

const HOUR_SEC = 3600;
/** Clocks change at night: handoffs do so too, sometimes in an hour that a change leaves out or repeats. */
const HANDOFFS: readonly [string, ...string[]] = ['09:00', '17:00', '00:00', '02:30', '01:15'];
const TURN_HOURS: readonly [number, ...number[]] = [8, 12, 24, 24, 48, 168];

/** One or two layers, the upper one often with restrictions, and some overrides. */
export function planSchedule(
  { seed, zone, stretch, random }: AccountOf,
  userIds: readonly string[],
  n: number,
): Schedule {
  const id = `PT${seed}-L${n}`;
  const own = random.fork(id);
  const layers = Array.from({ length: own.int(1, 2) }, (_, index) => {
    const startMs = stretch
      .clockOf(zone)
      .when(`${startDay(stretch.startMs, own)} ${own.pick(HANDOFFS)}`);
    return planLayer({ id: `${id}-${index}`, startMs, stretchMs: stretch.startMs }, userIds, own);
  });
  const overrides = Array.from({ length: own.int(0, 2) }, (_, index) =>
    planOverride(`${id}-O${index}`, { userIds, startMs: stretch.startMs }, own),
  );
  return {
    ...{ id, name: id, description: null, timeZone: zone, layers, overrides, teamIds: [] },
  };
}

function startDay(stretchMs: number, random: Random): string {
  return new Date(stretchMs - random.int(2, 14) * DAY_MS).toISOString().slice(0, 10);
}

interface LayerOf {
  readonly id: string;
  readonly startMs: number;
  readonly stretchMs: number;
}

function planLayer(
  { id, startMs, stretchMs }: LayerOf,
  userIds: readonly string[],
  random: Random,
): ScheduleLayer {
  const start = new Date(startMs).toISOString();
  const late = new Date(stretchMs + random.int(1, 7) * DAY_MS).toISOString();
  return {
    ...{ id, name: id, rotationVirtualStart: start },
    start: random.chance(0.1) ? late : start,
    end: random.chance(0.1) ? new Date(stretchMs + random.int(8, 12) * DAY_MS).toISOString() : null,
    rotationTurnLengthSeconds: random.pick(TURN_HOURS) * HOUR_SEC,
    userIds: Array.from(
      { length: random.int(1, 3) },
      () => userIds[random.int(0, userIds.length - 1)] ?? '',
    ),
    restrictions: random.chance(0.4) ? planRestrictions(random) : [],
  };
}

/** Bounds lie where no clock change comes, so that they mean one instant each. */
function planRestrictions(random: Random): readonly Restriction[] {
  const startTimeOfDay = `${String(random.int(6, 22)).padStart(2, '0')}:00:00`;
  const until = random.int(5, 22);
  const hours = (until - Number(startTimeOfDay.slice(0, 2)) + 24) % 24 || 24;
  if (random.chance(0.6))
    return [{ type: 'daily_restriction', startTimeOfDay, durationSeconds: hours * HOUR_SEC }];
  const durationSeconds = (hours + 24 * random.int(0, 5)) * HOUR_SEC;
  const startDayOfWeek = random.int(1, 7);
  return [{ type: 'weekly_restriction', startTimeOfDay, durationSeconds, startDayOfWeek }];
}

function planOverride(
  id: string,
  { userIds, startMs }: { readonly userIds: readonly string[]; readonly startMs: number },
  random: Random,
): Override {
  const fromMs = startMs + random.int(0, 13 * 24) * 3_600_000;
  return {
    ...{ id, userId: userIds[random.int(0, userIds.length - 1)] ?? '' },
    start: new Date(fromMs).toISOString(),
    end: new Date(fromMs + random.int(1, 72) * 3_600_000).toISOString(),
    createdAt: new Date(startMs - random.int(1, 1000) * 60_000).toISOString(),
  };
}
