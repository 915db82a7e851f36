import { checkSeed, type SeedVerdict } from './check-seed.ts';
import { ServerStalled, startTimersEngine } from './engine.ts';
import { expectSeed } from './expect-seed.ts';
import type { Expectation } from './expectation.ts';
import { planSeed } from './plan.ts';
import { playSeeds, type PlayedSeed } from './play-seeds.ts';
import { stretchAfter, STRETCHES, type Stretch } from './stretches.ts';

/** What had to happen to a seed, and how that compares with what did. */
export interface JudgedSeed extends SeedVerdict {
  readonly seed: number;
  readonly expected: Expectation;
  /** Pages that came. */
  readonly pages: number;
}

export interface SeedsRun {
  readonly seeds: readonly JudgedSeed[];
  /** First days of the virtual fortnights. */
  readonly from: readonly string[];
  /** How often the test server stood still, so that its seeds were played again on another one. */
  readonly stalls: number;
}

/** Seeds that share a server: with more its clock stops more often for good. */
const TOGETHER = 40;
const TRIES = 8;

/** Plays every seed over its fortnight, many at once, and judges each. `say` is told of each server's end. */
export async function runSeeds(
  seeds: readonly number[],
  say: (line: string) => void,
): Promise<SeedsRun> {
  const judged: JudgedSeed[] = [];
  const from = new Set<string>();
  let stalls = 0;
  for (const batch of batches(seeds)) {
    const { stretch, played, stalled } = await playBatch(batch);
    judged.push(...played.map((one) => judge(one, stretch)));
    from.add(new Date(stretch.startMs).toISOString().slice(0, 10));
    stalls += stalled;
    say(`${judged.length} of ${seeds.length} seeds`);
  }
  return { seeds: judged, from: [...from].sort(), stalls };
}

function batches(seeds: readonly number[]): readonly (readonly number[])[] {
  const ofStretch = [...Map.groupBy(seeds, (seed) => seed % STRETCHES).values()];
  return ofStretch.flatMap((all) =>
    Array.from({ length: Math.ceil(all.length / TOGETHER) }, (_, n) =>
      all.slice(n * TOGETHER, (n + 1) * TOGETHER),
    ),
  );
}

interface PlayedBatch {
  readonly stretch: Stretch;
  readonly played: readonly PlayedSeed[];
  readonly stalled: number;
}

/** @throws ServerStalled when it does so time and again. */
async function playBatch(seeds: readonly number[]): Promise<PlayedBatch> {
  for (let stalled = 0; ; stalled += 1) {
    const engine = await startTimersEngine();
    try {
      const stretch = stretchAfter(await engine.clock.ask(), seeds[0] ?? 0);
      const plans = seeds.map((seed) => planSeed(seed, stretch));
      return { stretch, played: await playSeeds(engine, stretch, plans), stalled };
    } catch (error) {
      if (!(error instanceof ServerStalled) || stalled + 1 >= TRIES) throw error;
    } finally {
      await engine.stop();
    }
  }
}

function judge({ plan, moves, seen }: PlayedSeed, { clockOf, endMs }: Stretch): JudgedSeed {
  const expected = expectSeed(plan, moves, { clockOf, untilMs: endMs });
  const verdict = checkSeed(expected, seen);
  return { seed: plan.seed, expected, pages: seen.messages.length, ...verdict };
}
