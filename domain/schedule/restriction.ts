import type { Restriction } from '../model.ts';
import { instantOf, wallClock } from './zone.ts';

const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;
// 1970-01-05, the first Monday after the epoch.
const FIRST_MONDAY_MS = 4 * DAY_MS;

/** Whether duty is possible at an instant, and until when that holds at least. */
export interface Window {
  readonly open: boolean;
  readonly untilMs: number;
}

/**
 * Inside any of the restrictions, or always when there is none. Both ends are times of the wall clock in
 * the schedule's zone: a night from 22:00 to 06:00 ends at 06:00 on the nights of clock changes too.
 */
export function restrictionAt(
  restrictions: readonly Restriction[],
  timeZone: string,
  atMs: number,
): Window {
  if (restrictions.length === 0) return { open: true, untilMs: Infinity };
  let closedUntil = Infinity;
  for (const restriction of restrictions) {
    for (const { startMs, endMs } of windowsAround(restriction, timeZone, atMs)) {
      if (startMs <= atMs && atMs < endMs) return { open: true, untilMs: endMs };
      if (startMs > atMs) closedUntil = Math.min(closedUntil, startMs);
    }
  }
  return { open: false, untilMs: closedUntil };
}

/** The occurrences before, around and after the instant. One that is longer than its period is cut to it. */
function windowsAround(
  restriction: Restriction,
  timeZone: string,
  atMs: number,
): readonly { readonly startMs: number; readonly endMs: number }[] {
  const weekly = restriction.type === 'weekly_restriction';
  const periodMs = weekly ? WEEK_MS : DAY_MS;
  const originMs =
    timeOfDayMs(restriction.startTimeOfDay) +
    (weekly ? FIRST_MONDAY_MS + ((restriction.startDayOfWeek ?? 1) - 1) * DAY_MS : 0);
  const lengthMs = Math.min(restriction.durationSeconds * 1000, periodMs);
  const current = Math.floor((wallClock(timeZone, atMs) - originMs) / periodMs);
  return [current - 1, current, current + 1, current + 2].map((n) => {
    const wall = originMs + n * periodMs;
    return { startMs: instantOf(timeZone, wall), endMs: instantOf(timeZone, wall + lengthMs) };
  });
}

function timeOfDayMs(text: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = text.split(':').map((part) => Number(part) || 0);
  return ((hours * 60 + minutes) * 60 + seconds) * 1000;
}
