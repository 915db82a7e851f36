import type { ScheduleLayer } from '../model.ts';
import { restrictionAt } from './restriction.ts';
import { instantOf, wallClock } from './zone.ts';

const DAY_SEC = 86_400;

/** Who has duty at an instant, and until when that holds at least. `Infinity`: it never changes. */
export interface Duty {
  readonly userId: string | null;
  readonly untilMs: number;
}

interface Turn {
  readonly index: number;
  readonly untilMs: number;
}

/** Who of this layer alone has duty at `atMs`: nobody before its start, from its end on, or outside its restrictions. */
export function layerAt(layer: ScheduleLayer, timeZone: string, atMs: number): Duty {
  const startMs = Date.parse(layer.start);
  const endMs = layer.end === null ? Infinity : Date.parse(layer.end);
  if (!(atMs < endMs)) return { userId: null, untilMs: Infinity };
  if (!(atMs >= startMs)) {
    return { userId: null, untilMs: Number.isNaN(startMs) ? Infinity : startMs };
  }
  const window = restrictionAt(layer.restrictions, timeZone, atMs);
  if (!window.open) return { userId: null, untilMs: Math.min(window.untilMs, endMs) };
  const turn = turnAt(layer, timeZone, atMs);
  return {
    userId: layer.userIds[turn.index] ?? null,
    untilMs: Math.min(turn.untilMs, window.untilMs, endMs),
  };
}

/**
 * Turns of whole days change at one time of the wall clock, so that clock changes do not move the handoff;
 * all others (hours) count seconds that really pass.
 */
function turnAt(layer: ScheduleLayer, timeZone: string, atMs: number): Turn {
  const count = layer.userIds.length;
  const originMs = Date.parse(layer.rotationVirtualStart);
  const lengthMs = layer.rotationTurnLengthSeconds * 1000;
  if (count === 0 || Number.isNaN(originMs) || !(lengthMs > 0)) {
    return { index: 0, untilMs: Infinity };
  }
  const byWall = layer.rotationTurnLengthSeconds % DAY_SEC === 0;
  const originWall = wallClock(timeZone, originMs);
  const handoff = (turn: number): number =>
    byWall ? instantOf(timeZone, originWall + turn * lengthMs) : originMs + turn * lengthMs;
  let turn = byWall
    ? Math.floor((wallClock(timeZone, atMs) - originWall) / lengthMs)
    : Math.floor((atMs - originMs) / lengthMs);
  // A skipped or repeated hour puts the first guess off by at most one.
  if (handoff(turn) > atMs) turn -= 1;
  else if (handoff(turn + 1) <= atMs) turn += 1;
  return { index: ((turn % count) + count) % count, untilMs: handoff(turn + 1) };
}
