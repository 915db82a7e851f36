import { setTimeout as sleep } from 'node:timers/promises';

import { untilLedger } from '../ledger.ts';
import { openLoop, trigger } from '../load.ts';
import { routingKey } from '../population.ts';
import { usageOf } from '../processes.ts';
import type { BenchStack } from '../stack.ts';

const IDLE_MS = 30_000;
/** What the engine takes on two cores without falling behind. */
const PER_SEC = 20;
const LIMIT_MS = 15 * 60_000;

export interface Memory {
  /** Share of one core that the product's own processes use together while nothing happens, in percent. */
  readonly idlePercentOfCore: number;
  readonly idleMb: Readonly<Record<string, number>>;
  readonly openIncidents: number;
  readonly openMb: Readonly<Record<string, number>>;
}

/** P9: what the product's own processes use while nothing happens, and with so many incidents open. */
export async function memory(bench: BenchStack, people: number, count = 10_000): Promise<Memory> {
  const before = await usages(bench);
  await sleep(IDLE_MS);
  const idle = await usages(bench);
  const usedSec = sumOf(idle) - sumOf(before);
  const run = `p9-${Date.now()}`;
  const { incidents } = await untilLedger(bench, () => true, 0);
  await openLoop(count, 1000 / PER_SEC, (n) =>
    trigger(bench.apiUrl, routingKey((n % people) + 1), `${run}-${n}`),
  );
  const ledger = await untilLedger(bench, (now) => now.incidents >= incidents + count, LIMIT_MS);
  await sleep(IDLE_MS);
  return {
    idlePercentOfCore: Math.round((usedSec / (IDLE_MS / 1000)) * 1000) / 10,
    idleMb: megabytes(idle),
    openIncidents: ledger.incidents,
    openMb: megabytes(await usages(bench)),
  };
}

type Usages = Readonly<Record<string, Awaited<ReturnType<typeof usageOf>>>>;

async function usages({ stack }: BenchStack): Promise<Usages> {
  const own = stack.processes().filter(({ name }) => name !== 'simulators');
  return Object.fromEntries(
    await Promise.all(own.map(async ({ name, pid }) => [name, await usageOf(pid ?? 0)] as const)),
  );
}

function sumOf(all: Usages): number {
  return Object.values(all).reduce((sum, { cpuSec }) => sum + cpuSec, 0);
}

function megabytes(all: Usages): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(all).map(([name, { rssMb }]) => [name, rssMb]));
}
