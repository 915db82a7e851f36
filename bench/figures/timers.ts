import { quietRuntime } from '../../test/support/incident-worker.ts';
import { summarize, type Summary } from '../load.ts';
import type { TimerFault } from '../timers/check-seed.ts';
import { runSeeds, type JudgedSeed } from '../timers/run-seeds.ts';
import { DAYS } from '../timers/stretches.ts';

const SEEDS = 1000;

const NOTHING_WRONG: Readonly<Record<TimerFault, number>> = {
  ...{
    early: 0,
    late: 0,
    skipped: 0,
    'wrong person': 0,
    unexpected: 0,
    'wrong log': 0,
    refused: 0,
  },
};

export interface Timers {
  readonly seeds: number;
  readonly virtualDays: number;
  /** First days of the virtual fortnights, in each of which clocks change. */
  readonly from: readonly string[];
  readonly pages: number;
  /** Waiting times that ran out, by what waited. */
  readonly timersFired: Readonly<Record<string, number>>;
  /** Of all pages and of all that the incidents' logs tell: milliseconds after each was due. */
  readonly latenessMs: Summary;
  /** How often something was wrong, by what. */
  readonly wrong: Readonly<Record<TimerFault, number>>;
  /** `npm run bench F11 417` plays such a seed again alone, and says what is wrong with it. */
  readonly failingSeeds: readonly number[];
  readonly stalls: number;
  readonly tookSec: number;
}

/** F11: random policies, schedules and moves of people over virtual fortnights in which clocks change. */
export async function timers(given: readonly number[]): Promise<Timers> {
  quietRuntime();
  const startedAt = performance.now();
  const wanted = given.length > 0 ? given : Array.from({ length: SEEDS }, (_, n) => n);
  const { seeds, from, stalls } = await runSeeds(wanted, console.log);
  const failing = seeds.filter(({ findings }) => findings.length > 0);
  for (const one of failing) tell(one);
  const fired = seeds.flatMap(({ expected }) => expected.timers.map(({ kind }) => kind));
  return {
    seeds: seeds.length,
    virtualDays: seeds.length * DAYS,
    from,
    pages: seeds.reduce((sum, { pages }) => sum + pages, 0),
    timersFired: countOf(fired, {}),
    latenessMs: summarize(seeds.flatMap(({ latenessMs }) => latenessMs)),
    wrong: countOf(
      seeds.flatMap(({ findings }) => findings.map(({ kind }) => kind)),
      NOTHING_WRONG,
    ),
    failingSeeds: failing.map(({ seed }) => seed),
    stalls,
    tookSec: Math.round((performance.now() - startedAt) / 1000),
  };
}

function tell({ seed, findings }: JudgedSeed): void {
  for (const { kind, atMs, text } of findings)
    console.log(`seed ${seed}, ${new Date(atMs).toISOString()}: ${kind}: ${text}`);
}

function countOf<Counts extends Readonly<Record<string, number>>>(
  names: readonly string[],
  none: Counts,
): Counts {
  const counts: Record<string, number> = { ...none };
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts as Counts;
}
