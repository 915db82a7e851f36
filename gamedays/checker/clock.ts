import type { FaultWindow, ReceivedRecord } from '../ledgers/records.ts';

/** The faults of a run, as questions about times. */
export interface FaultClock {
  /** Whether a fault was on, or had ended less than `recoveryMs` before, at any time between the two instants. */
  near(from: number, to: number): boolean;
  /** Milliseconds between the two during which paging was possible. */
  runningMs(from: number, to: number): number;
  /** Whether it may have been sent while a fault was on that kept it until its end. */
  wasHeld(page: ReceivedRecord): boolean;
}

/** All that was kept comes at once. */
const RELEASE_MS = 1500;

export function createFaultClock(windows: readonly FaultWindow[], recoveryMs: number): FaultClock {
  const stopped = merge(
    windows.filter(({ stopsPaging }) => stopsPaging).map(({ from, to }) => [from, to ?? Infinity]),
  );
  const excusing = windows.filter(({ excusesNothing }) => excusesNothing !== true);
  const near = merge(excusing.map(({ from, to }) => [from, (to ?? Infinity) + recoveryMs]));
  return {
    near: (from, to) => near.some(([on, off]) => on <= to && off >= from),
    runningMs: (from, to) => to - from - overlap(stopped, from, to),
    wasHeld: ({ provider, channel, at }) =>
      windows.some(({ to, holds }) => {
        const isOfIt = holds?.provider === provider && holds.channels.includes(channel);
        return isOfIt && to !== null && at >= to && at <= to + RELEASE_MS;
      }),
  };
}

type Interval = readonly [from: number, to: number];

function merge(intervals: readonly Interval[]): readonly Interval[] {
  const merged: [number, number][] = [];
  for (const [from, to] of [...intervals].sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

function overlap(intervals: readonly Interval[], from: number, to: number): number {
  return intervals
    .map(([on, off]) => Math.max(0, Math.min(off, to) - Math.max(on, from)))
    .reduce((sum, ms) => sum + ms, 0);
}
