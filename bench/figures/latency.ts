import { openLoop, summarize, trigger, type Summary } from '../load.ts';
import { QUICK_STEP_FROM, routingKey } from '../population.ts';
import type { BenchStack } from '../stack.ts';

/** P1: alert accepted → the provider has the page, idle: one alert every half second, each for another person. */
export async function idleLatency(
  bench: BenchStack,
  count = 100,
): Promise<{ acceptToPageMs: Summary; requestMs: Summary }> {
  const run = `p1-${Date.now()}`;
  const accepted = await openLoop(count, 500, (n) =>
    trigger(bench.apiUrl, routingKey(n + 1), `${run}-${n}`),
  );
  const arrived = await firstArrivals(bench, run, { count, limitMs: 30_000 });
  return {
    acceptToPageMs: summarize(
      accepted.map((one, n) => (arrived.get(n) ?? Infinity) - one.acceptedAt),
    ),
    requestMs: summarize(accepted.map((one) => one.acceptedAt - one.sentAt)),
  };
}

export interface Burst {
  readonly alerts: number;
  readonly firstPageMs: number;
  readonly lastPageMs: number;
  readonly lastAcceptedMs: number;
  readonly refusals: number;
  readonly pagesPerSec: number;
}

/** P2: `count` alerts at once for as many people; the time until the last page has arrived. */
export async function burst(bench: BenchStack, count: number): Promise<Burst> {
  const run = `p2-${Date.now()}`;
  const startedAt = performance.now();
  const accepted = await openLoop(count, 0, (n) =>
    trigger(bench.apiUrl, routingKey(n + 1), `${run}-${n}`),
  );
  const arrived = await firstArrivals(bench, run, { count, limitMs: 300_000 });
  const arrivals = [...arrived.values()].sort((a, b) => a - b);
  const lastPageMs = Math.round((arrivals.at(-1) ?? Infinity) - startedAt);
  return {
    alerts: count,
    firstPageMs: Math.round((arrivals[0] ?? Infinity) - startedAt),
    lastPageMs,
    lastAcceptedMs: Math.round(Math.max(...accepted.map((one) => one.acceptedAt)) - startedAt),
    refusals: accepted.reduce((sum, one) => sum + one.refusals, 0),
    pagesPerSec: Math.round((count / lastPageMs) * 10_000) / 10,
  };
}

/** P7: a step of 60 s: seconds from the acceptance of the alert to the second page. */
export async function escalationStep(bench: BenchStack, count = 20): Promise<Summary> {
  const run = `p7-${Date.now()}`;
  const accepted = await openLoop(count, 250, (n) =>
    trigger(bench.apiUrl, routingKey(QUICK_STEP_FROM + n), `${run}-${n}`),
  );
  const times = (): Map<number, readonly number[]> => arrivals(bench, run);
  const twice = (): boolean =>
    [...times().values()].filter(({ length }) => length > 1).length === count;
  await bench.receiver.until(twice, 90_000);
  const seconds = accepted.map(
    (one, n) => ((times().get(n)?.[1] ?? Infinity) - one.acceptedAt) / 1000,
  );
  return summarize(seconds);
}

async function firstArrivals(
  bench: BenchStack,
  run: string,
  { count, limitMs }: { readonly count: number; readonly limitMs: number },
): Promise<Map<number, number>> {
  await bench.receiver.until(() => arrivals(bench, run).size >= count, limitMs);
  return new Map([...arrivals(bench, run)].map(([n, times]) => [n, times[0] ?? Infinity]));
}

/** When the pages of each alert of a run arrived; a bundle counts for every alert that it names. */
function arrivals(bench: BenchStack, run: string): Map<number, readonly number[]> {
  const found = new Map<number, readonly number[]>();
  for (const [key, times] of bench.receiver.arrivals) {
    if (key.startsWith(`${run}-`)) found.set(Number(key.slice(run.length + 1)), times);
  }
  return found;
}
