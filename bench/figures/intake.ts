import { incidentWorkflowId } from '../../temporal-config/names.ts';
import { Connection } from '../connections.ts';
import { untilLedger, withTemporal } from '../ledger.ts';
import { openLoop, summarize, trigger, type Summary } from '../load.ts';
import { ACCOUNT, routingKey } from '../population.ts';
import { productCpuSec } from '../processes.ts';
import type { BenchStack } from '../stack.ts';

const CONNECTIONS = 64;
const LEDGER_LIMIT_MS = 60_000;

export interface EventRate {
  readonly acceptedPerSec: number;
  readonly requestMs: Summary;
  readonly accepted: number;
  /** Answers other than 202, by status. */
  readonly others: Readonly<Record<string, number>>;
  /** Milliseconds of processor time of the whole product for each event, until the last was accepted. */
  readonly cpuMsPerEvent: number;
}

/** As many events as go through 64 connections, each of which sends the next when the last was answered. */
async function eventRate(
  bench: BenchStack,
  seconds: number,
  body: (n: number) => string,
): Promise<EventRate> {
  const connections = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => Connection.open(bench.apiUrl)),
  );
  const times: number[] = [];
  const others: Record<string, number> = {};
  let sent = 0;
  const cpuBefore = await productCpuSec();
  const startedAt = performance.now();
  const lane = async (connection: Connection): Promise<void> => {
    while (performance.now() - startedAt < seconds * 1000) {
      sent += 1;
      const { status, ms } = await connection.post('/v2/enqueue', body(sent));
      if (status === 202) times.push(ms);
      else others[status] = (others[status] ?? 0) + 1;
    }
  };
  await Promise.all(connections.map(lane));
  const tookSec = (performance.now() - startedAt) / 1000;
  const cpuSec = (await productCpuSec()) - cpuBefore;
  for (const connection of connections) connection.close();
  return {
    acceptedPerSec: Math.round(times.length / tookSec),
    requestMs: summarize(times),
    accepted: times.length,
    others,
    cpuMsPerEvent: Math.round((cpuSec * 100_000) / times.length) / 100,
  };
}

const event = (key: string, dedupKey: string): string =>
  JSON.stringify({
    routing_key: key,
    event_action: 'trigger',
    dedup_key: dedupKey,
    payload: { summary: `Bench ${dedupKey}`, source: 'bench', severity: 'critical' },
  });

export type CountedRate = EventRate & { readonly lost: number };

/** P3 with 64 integration keys, P4 with one: all events different. Lost is what neither spill nor engine has. */
export async function differentEvents(
  bench: BenchStack,
  integrations: number,
  seconds = 20,
): Promise<CountedRate> {
  const run = `p3-${Date.now()}`;
  const keys = Array.from({ length: integrations }, (_, n) => routingKey(n + 1));
  const before = await untilLedger(bench, () => true, 0);
  const rate = await eventRate(bench, seconds, (n) =>
    event(keys[n % integrations] ?? '', `${run}-${n}`),
  );
  const missing = ({ waiting, incidents }: typeof before): number =>
    rate.accepted - (waiting - before.waiting) - (incidents - before.incidents);
  const after = await untilLedger(bench, (now) => missing(now) === 0, LEDGER_LIMIT_MS);
  return { ...rate, lost: missing(after) };
}

/** P4 and P12: all events on one dedup key, so that they fold; lost is what the alert has not counted. */
export async function sameEvent(bench: BenchStack, seconds = 20): Promise<CountedRate> {
  const dedupKey = `p4-${Date.now()}`;
  const rate = await eventRate(bench, seconds, () => event(routingKey(1), dedupKey));
  const alert = await countedAlert(bench, dedupKey, rate.accepted);
  return { ...rate, lost: rate.accepted - alert.count };
}

export interface Storm {
  readonly accepted: number;
  readonly refused: number;
  /** What the one alert of the one incident has counted. */
  readonly counted: number;
  readonly incidents: number;
  readonly historyEvents: number;
  readonly firstPageMs: number;
  readonly requestMs: Summary;
}

/** P5: `count` events on one dedup key within `seconds`. */
export async function oneKeyStorm(bench: BenchStack, count = 10_000, seconds = 60): Promise<Storm> {
  const dedupKey = `p5-${Date.now()}`;
  const sent = openLoop(count, (seconds * 1000) / count, () =>
    trigger(bench.apiUrl, routingKey(1), dedupKey),
  );
  const startedAt = performance.now();
  await bench.receiver.until(() => bench.receiver.arrivals.has(dedupKey), LEDGER_LIMIT_MS);
  const accepted = await sent;
  const alert = await countedAlert(bench, dedupKey, count);
  return {
    accepted: accepted.length,
    refused: accepted.reduce((sum, one) => sum + one.refusals, 0),
    counted: alert.count,
    incidents: alert.incidents,
    historyEvents: alert.historyEvents,
    firstPageMs: Math.round((bench.receiver.arrivals.get(dedupKey)?.[0] ?? Infinity) - startedAt),
    requestMs: summarize(accepted.map((one) => one.acceptedAt - one.sentAt)),
  };
}

interface CountedAlert {
  readonly count: number;
  readonly incidents: number;
  readonly historyEvents: number;
}

/** The one alert as its workflow tells it, once it has counted what is expected or the limit is over. */
async function countedAlert(
  bench: BenchStack,
  dedupKey: string,
  expected: number,
): Promise<CountedAlert> {
  const id = incidentWorkflowId(ACCOUNT, 'PS1', { integrationId: 'PI1', key: dedupKey });
  const until = performance.now() + LEDGER_LIMIT_MS;
  return withTemporal(bench, async (client) => {
    for (;;) {
      const view = await client.workflow
        .getHandle(id)
        .query<{ alerts: readonly { count: number }[] }>('view');
      const count = view.alerts.reduce((sum, alert) => sum + alert.count, 0);
      if (count >= expected || performance.now() > until) {
        const { historyLength } = await client.workflow.getHandle(id).describe();
        const { count: runs } = await client.workflow.count(`WorkflowId="${id}"`);
        return { count, incidents: runs, historyEvents: historyLength };
      }
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  });
}

export interface PagesInBurst {
  readonly eventsPerSec: number;
  readonly firstPageMs: number;
  /** Pages that left before the last event came. */
  readonly pagesMeanwhile: number;
  readonly requestMs: Summary;
  readonly refused: number;
}

/** P6: `perSec` events a second, all different, for as many people as there are. */
export async function pagesInBurst(
  bench: BenchStack,
  people: number,
  { perSec = 500, seconds = 20 } = {},
): Promise<PagesInBurst> {
  const run = `p6-${Date.now()}`;
  const startedAt = performance.now();
  const accepted = await openLoop(perSec * seconds, 1000 / perSec, (n) =>
    trigger(bench.apiUrl, routingKey((n % people) + 1), `${run}-${n}`),
  );
  const endedAt = startedAt + seconds * 1000;
  const arrivals = [...bench.receiver.arrivals]
    .filter(([key]) => key.startsWith(run))
    .map(([key, [at = Infinity]]) => ({ n: Number(key.slice(run.length + 1)), at }));
  const waits = arrivals.map(({ n, at }) => at - (accepted[n]?.sentAt ?? at));
  return {
    eventsPerSec: perSec,
    firstPageMs: Math.round(Math.min(...waits)),
    pagesMeanwhile: arrivals.filter(({ at }) => at <= endedAt).length,
    requestMs: summarize(accepted.map((one) => one.acceptedAt - one.sentAt)),
    refused: accepted.reduce((sum, one) => sum + one.refusals, 0),
  };
}
