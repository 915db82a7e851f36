import type {
  AccountConfig,
  Restriction,
  Schedule,
  ScheduleLayer,
  TargetRef,
} from '../../domain/model.ts';
import { dayAfter, minuteOf, weekdayOf, type WallClock } from './wall-clock.ts';

const DAY_MINUTES = 1440;
const DAY_HOURS = 24;
const HOUR_MS = 3_600_000;

/**
 * Whom the targets of a rule lead to at an instant: found by watching the clock on the wall and counting handoffs,
 * without any of the product's code. With nobody on duty it is the catch-all, else the owner.
 */
export function peopleOf(
  { account, schedules }: AccountConfig,
  targets: readonly TargetRef[],
  clockOf: (zone: string) => WallClock,
  atMs: number,
): readonly string[] {
  const found = targets.map(({ type, id }) => {
    const schedule = schedules.find((one) => type === 'schedule' && one.id === id);
    return schedule ? onDuty(schedule, clockOf(schedule.timeZone), atMs) : id;
  });
  const people = [...new Set(found.filter((one) => one !== null))];
  return people.length > 0 ? people : [account.catchAllUserId ?? account.ownerUserId];
}

function onDuty({ overrides, layers }: Schedule, clock: WallClock, atMs: number): string | null {
  const overriding = overrides
    .filter(({ start, end }) => Date.parse(start) <= atMs && atMs < Date.parse(end))
    .sort((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt));
  const last = overriding.at(-1);
  if (last) return last.userId;
  const working = layers.filter((layer) => isWorking(layer, clock, atMs));
  const top = working.at(-1);
  return top ? inTurn(top, clock, atMs) : null;
}

function isWorking({ start, end, restrictions }: ScheduleLayer, clock: WallClock, atMs: number) {
  if (atMs < Date.parse(start) || (end !== null && atMs >= Date.parse(end))) return false;
  return restrictions.length === 0 || restrictions.some((one) => isWithin(one, clock.at(atMs)));
}

/** By what the clock shows: no bound lies in an hour that a clock change leaves out or repeats. */
function isWithin(
  { type, startTimeOfDay, durationSeconds, startDayOfWeek = 1 }: Restriction,
  shown: string,
): boolean {
  const isWeekly = type === 'weekly_restriction';
  const period = isWeekly ? 7 * DAY_MINUTES : DAY_MINUTES;
  const days = isWeekly ? weekdayOf(shown) - startDayOfWeek : 0;
  const since = days * DAY_MINUTES + minuteOf(shown) - minuteOf(`0000-00-00 ${startTimeOfDay}`);
  return ((since % period) + period) % period < durationSeconds / 60;
}

function inTurn(layer: ScheduleLayer, clock: WallClock, atMs: number): string | null {
  const { userIds, rotationVirtualStart, rotationTurnLengthSeconds } = layer;
  const startMs = Date.parse(rotationVirtualStart);
  const hours = rotationTurnLengthSeconds / 3600;
  const handoffs =
    hours % DAY_HOURS === 0
      ? countHandoffs(clock, { startMs, days: hours / DAY_HOURS }, atMs)
      : Math.floor((atMs - startMs) / (hours * HOUR_MS));
  return userIds[handoffs % userIds.length] ?? null;
}

/** How often the duty has passed on since the start: every so many days, when the clock shows the same time. */
function countHandoffs(
  clock: WallClock,
  { startMs, days }: { readonly startMs: number; readonly days: number },
  atMs: number,
): number {
  const [day = '', time = ''] = clock.at(startMs).split(' ');
  let count = 0;
  while (clock.when(`${dayAfter(day, (count + 1) * days)} ${time}`) <= atMs) count += 1;
  return count;
}
