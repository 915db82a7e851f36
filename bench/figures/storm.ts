import { untilLedger } from '../ledger.ts';
import { openLoop, summarize, trigger, type Summary } from '../load.ts';
import { QUIET_PEOPLE, quietRoutingKey, routingKey } from '../population.ts';
import type { BenchStack } from '../stack.ts';

const SERVICES = 500;
/** The first ones have incidents of the warming up. */
const FIRST = 101;
const EVENTS = 10_000;
const SECONDS = 60;
const QUIET_EVERY_MS = 1000;
/** What has not arrived by then counts as having taken for ever. */
const LIMIT_MS = 120_000;
const WORKED_OFF_LIMIT_MS = 20 * 60_000;
const MINUTE_MS = 60_000;

export interface StormBeside {
  /** From the first event of the storm to its first page. */
  readonly firstPageMs: number;
  readonly requestMs: Summary;
  readonly refused: number;
  /** Of the other account: acceptance to page, before the storm and during it. */
  readonly quietBeforeMs: Summary;
  readonly quietMeanwhileMs: Summary;
  readonly p99Ratio: number;
  readonly contacts: Contacts;
}

/** What single people of the storm saw, once all of it was worked off. */
interface Contacts {
  readonly people: number;
  readonly incidents: number;
  /** Messages to one person within any minute, at most; its limits allow 3 and one more every 5 seconds. */
  readonly messagesInAMinute: number;
  /** People whose last message counted other than all their open incidents. */
  readonly wrongCounts: number;
}

/** F14: a storm over many services of one account, and what another account feels of it. */
export async function stormBeside(bench: BenchStack): Promise<StormBeside> {
  const run = `f14-${Date.now()}`;
  const quietBeforeMs = await quiet(bench, `${run}-before`);
  const startedAt = performance.now();
  const storm = openLoop(EVENTS, (SECONDS * 1000) / EVENTS, (n) =>
    trigger(bench.apiUrl, routingKey((n % SERVICES) + FIRST), `${run}-storm-${n}`),
  );
  const quietMeanwhileMs = await quiet(bench, `${run}-meanwhile`);
  const accepted = await storm;
  const pages = [...bench.receiver.arrivals]
    .filter(([key]) => key.startsWith(`${run}-storm-`))
    .map(([, [at = Infinity]]) => at);
  return {
    firstPageMs: Math.round(Math.min(...pages) - startedAt),
    requestMs: summarize(accepted.map((one) => one.acceptedAt - one.sentAt)),
    refused: accepted.reduce((sum, one) => sum + one.refusals, 0),
    quietBeforeMs,
    quietMeanwhileMs,
    p99Ratio: Math.round((quietMeanwhileMs.p99 / quietBeforeMs.p99) * 10) / 10,
    contacts: await contacts(bench),
  };
}

/** On an installation of its own, so that the storm's incidents are all that its people have open. */
async function contacts(bench: BenchStack): Promise<Contacts> {
  const { incidents } = await untilLedger(
    bench,
    (ledger) => ledger.waiting === 0,
    WORKED_OFF_LIMIT_MS,
  );
  const { byTopic } = bench.receiver;
  const people = Array.from({ length: SERVICES }, (_, n) => `P-${n + FIRST}`);
  const expected = EVENTS / SERVICES;
  const lastCounts = (): readonly number[] =>
    people.map((topic) => byTopic.get(topic)?.at(-1)?.open ?? 0);
  const allRight = (): boolean => lastCounts().every((open) => open >= expected);
  await bench.receiver.until(allRight, WORKED_OFF_LIMIT_MS).catch(() => undefined);
  return {
    people: people.length,
    incidents,
    messagesInAMinute: Math.max(...people.map((topic) => densest(byTopic.get(topic) ?? []))),
    wrongCounts: lastCounts().filter((open) => open !== expected).length,
  };
}

function densest(messages: readonly { readonly at: number }[]): number {
  return Math.max(
    0,
    ...messages.map(
      ({ at }) => messages.filter((one) => one.at >= at && one.at < at + MINUTE_MS).length,
    ),
  );
}

async function quiet({ apiUrl, receiver }: BenchStack, run: string): Promise<Summary> {
  const count = Math.floor((SECONDS * 1000) / QUIET_EVERY_MS);
  const accepted = await openLoop(count, QUIET_EVERY_MS, (n) =>
    trigger(apiUrl, quietRoutingKey((n % QUIET_PEOPLE) + 1), `${run}-${n}`),
  );
  const arrival = (n: number): number => receiver.arrivals.get(`${run}-${n}`)?.[0] ?? Infinity;
  const all = (): boolean => accepted.every((_, n) => arrival(n) < Infinity);
  await receiver.until(all, LIMIT_MS).catch(() => undefined);
  return summarize(accepted.map(({ acceptedAt }, n) => arrival(n) - acceptedAt));
}
