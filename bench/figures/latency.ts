import { openLoop, summarize, trigger, type Summary } from '../load.ts';
import { routingKey, topic } from '../population.ts';
import type { BenchStack } from '../stack.ts';

/** P1: alert accepted → the provider has the page, idle: one alert every half second, each for another person. */
export async function idleLatency(
  bench: BenchStack,
  count = 100,
): Promise<{ acceptToPageMs: Summary; requestMs: Summary }> {
  const run = `p1-${Date.now()}`;
  const before = bench.receiver.pages.length;
  const accepted = await openLoop(count, 500, (n) =>
    trigger(bench.apiUrl, routingKey(n + 1), `${run}-${n}`),
  );
  await bench.receiver.until((pages) => pages.length >= before + count, 30_000);
  const arrived = firstArrivals(bench, before);
  return {
    acceptToPageMs: summarize(
      accepted.map((one, n) => (arrived.get(topic(n + 1)) ?? Infinity) - one.acceptedAt),
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
  const before = bench.receiver.pages.length;
  const startedAt = performance.now();
  const accepted = await openLoop(count, 0, (n) =>
    trigger(bench.apiUrl, routingKey(n + 1), `${run}-${n}`),
  );
  const everybody = (): boolean => firstArrivals(bench, before).size >= count;
  await bench.receiver.until(everybody, 300_000);
  const arrivals = [...firstArrivals(bench, before).values()].sort((a, b) => a - b);
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
  const before = bench.receiver.pages.length;
  const accepted = await openLoop(count, 250, (n) =>
    trigger(bench.apiUrl, routingKey(n + 1), `${run}-${n}`),
  );
  await bench.receiver.until((pages) => pages.length >= before + 2 * count, 90_000);
  const seconds = accepted.map((one, n) => {
    const mine = bench.receiver.pages.slice(before).filter((page) => page.topic === topic(n + 1));
    return ((mine[1]?.at ?? Infinity) - one.acceptedAt) / 1000;
  });
  return summarize(seconds);
}

function firstArrivals(bench: BenchStack, before: number): Map<string, number> {
  const arrived = new Map<string, number>();
  for (const page of bench.receiver.pages.slice(before)) {
    if (!arrived.has(page.topic)) arrived.set(page.topic, page.at);
  }
  return arrived;
}
