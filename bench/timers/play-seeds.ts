import { setTimeout as sleep } from 'node:timers/promises';

import { indexAccount, type AccountIndex, type Directory } from '../../domain/directory.ts';
import type { Outgoing } from '../../providers/provider.ts';
import type { Observation } from './check-seed.ts';
import { whileWorking, type TimersEngine } from './engine.ts';
import type { MadeMove } from './expectation.ts';
import { makeMove } from './make-move.ts';
import type { SeedPlan } from './plan.ts';
import type { Stretch } from './stretches.ts';
import type { Ears } from './virtual-activities.ts';

/** One seed while it is played, and what came of it. */
export interface PlayedSeed {
  readonly plan: SeedPlan;
  readonly index: AccountIndex;
  readonly moves: MadeMove[];
  readonly seen: { readonly [K in keyof Observation]: Observation[K][number][] };
}

/** Past the end nothing is due for three seconds, and what was due before it is done by then. */
const LAST_MS = 2500;
const HANDED_MS = 200;

/**
 * Plays all seeds of a stretch on one server, in one virtual fortnight: alerts and people's moves at their instants,
 * and everything else by itself.
 */
export async function playSeeds(
  engine: TimersEngine,
  stretch: Stretch,
  plans: readonly SeedPlan[],
): Promise<readonly PlayedSeed[]> {
  const seeds = new Map(plans.map((plan) => [plan.account.account.id, begin(plan)]));
  await engine.sleepUntil(stretch.startMs);
  const ears = {
    sent: (message: Outgoing, atMs: number) => {
      const seed = seeds.get(/PT\d+/.exec(message.to)?.[0] ?? '');
      if (isPage(message)) seed?.seen.messages.push({ atMs, to: message.to });
    },
    projected: ({ accountId, entries }, atMs) => {
      const seed = seeds.get(accountId);
      for (const { id, type, at } of entries) {
        if (seed?.seen.entries.some((entry) => entry.id === id) ?? true) continue;
        seed?.seen.entries.push({ id, type, atMs: Date.parse(at), toldMs: atMs });
      }
    },
  } satisfies Ears;
  await whileWorking(engine, directoryOf(seeds), ears, async () => {
    for (const { seed, move, atMs } of inOrder([...seeds.values()])) {
      await engine.sleepUntil(atMs);
      await makeMove(engine, seed, move);
    }
    await engine.sleepUntil(stretch.endMs + LAST_MS);
    await sleep(HANDED_MS);
  });
  return [...seeds.values()];
}

function begin(plan: SeedPlan): PlayedSeed {
  const seen = { messages: [], entries: [], refusals: [] };
  return { plan, index: indexAccount(plan.account), moves: [], seen };
}

function inOrder(seeds: readonly PlayedSeed[]) {
  return seeds
    .flatMap((seed) => seed.plan.moves.map((planned) => ({ ...planned, seed })))
    .sort((a, b) => a.atMs - b.atMs);
}

/** Not the word that a reply has counted, which cannot be answered. */
function isPage(message: Outgoing): boolean {
  if (message.channel === 'push') return message.actions.length > 0;
  return message.channel === 'email' && message.subject.startsWith('[PD Lite]');
}

/** The accounts of all seeds, each found at once. */
function directoryOf(seeds: ReadonlyMap<string, PlayedSeed>): Directory {
  return {
    account: (id) => seeds.get(id)?.index,
    accounts: () => [...seeds.values()].map(({ index }) => index),
    integrationByKeyHash: () => undefined,
    apiKeyByHash: () => undefined,
    contactMethodsByAddress: () => [],
    ageMs: () => 0,
  };
}
