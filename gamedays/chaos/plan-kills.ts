import type { Random } from '../random.ts';
import type { PlannedFault } from './planned-fault.ts';

export interface KillPlan {
  /** Groups of which never two members are hurt at once. */
  readonly groups: readonly (readonly [string, ...string[]])[];
  readonly durationMs: number;
  readonly kills: number;
  readonly stops: number;
  readonly stopMs: readonly [from: number, to: number];
}

/** From a SIGKILL to work again, with some to spare. */
const RECOVERY_MS = 8000;
/** Before the first fault and after the last. */
const STEADY_MS = 5000;
const TRIES = 500;

/**
 * Kills and stops at random times of random processes. A group is left to recover before one of it is hurt
 * again; what finds no place in the time is left out.
 */
export function planKills(plan: KillPlan, random: Random): readonly PlannedFault[] {
  const busy = plan.groups.map((): [from: number, to: number][] => []);
  const planned: PlannedFault[] = [];
  for (let n = 0; n < plan.stops + plan.kills; n += 1) {
    const forMs = n < plan.stops ? random.int(...plan.stopMs) : 0;
    const place = findPlace(plan, { busy, forMs }, random);
    if (!place) continue;
    const { group, atMs } = place;
    busy[group]?.push([atMs, atMs + forMs + RECOVERY_MS]);
    const process = random.pick(plan.groups[group] ?? ['']);
    planned.push(
      forMs > 0
        ? { kind: 'lease', atMs, forMs, fault: { kind: 'stop', process } }
        : { kind: 'kill', atMs, process },
    );
  }
  return planned.sort((a, b) => a.atMs - b.atMs);
}

function findPlace(
  { groups, durationMs }: KillPlan,
  { busy, forMs }: { readonly busy: readonly [number, number][][]; readonly forMs: number },
  random: Random,
): { readonly group: number; readonly atMs: number } | null {
  const latest = durationMs - forMs - STEADY_MS;
  if (latest < STEADY_MS) return null;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const group = random.int(0, groups.length - 1);
    const atMs = random.int(STEADY_MS, latest);
    const until = atMs + forMs + RECOVERY_MS;
    if (!busy[group]?.some(([from, to]) => from < until && to > atMs)) return { group, atMs };
  }
  return null;
}
