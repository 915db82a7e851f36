import type { Client } from '@temporalio/client';

import { untilLedger, withTemporal } from '../ledger.ts';
import { openLoop, summarize, trigger, type Accepted, type Summary } from '../load.ts';
import { ACCOUNT, routingKey } from '../population.ts';
import type { BenchStack } from '../stack.ts';

/** Of five events two open an incident, one repeats one, and two resolve what was opened so many events before. */
const PATTERN = ['trigger', 'repeat', 'trigger', 'resolve', 'resolve'] as const;
const OPEN_FOR_EVENTS = 3000;
/** What the engine has not worked off so long after the load counts as lost. */
const LIMIT_MS = 30 * 60_000;

export interface LoadHeld {
  readonly events: number;
  readonly incidents: number;
  /** Incidents that are missing, and those that a resolve did not reach. */
  readonly lost: number;
  readonly steadyMs: Summary;
  readonly burstMs: Summary;
  /** As the clients saw them, and as the product counts them. */
  readonly refusals: { readonly seen: number; readonly counted: number };
  /** From the last event until all was worked off. */
  readonly workedOffSec: number;
}

interface PlannedEvent {
  readonly key: number;
  readonly action: 'trigger' | 'resolve';
}

/** F1: `perSec` events a second for ten minutes, of which a fifth are repeats, then ten times as many for ten seconds. */
export async function loadHeld(
  bench: BenchStack,
  people: number,
  { perSec = 50, seconds = 600, burstSeconds = 10 } = {},
): Promise<LoadHeld> {
  const run = `f1-${Date.now()}`;
  const plan = planEvents(perSec * (seconds + 10 * burstSeconds));
  const send = ({ key, action }: PlannedEvent): Promise<Accepted> =>
    trigger(bench.apiUrl, routingKey((key % people) + 1), `${run}-${key}`, action);
  const before = await untilLedger(bench, () => true, 0);
  const openBefore = await withTemporal(bench, countOpen);
  const steady = perSec * seconds;
  const part = (from: number, to: number, intervalMs: number) =>
    openLoop(to - from, intervalMs, (n) => send(plan[from + n] ?? { key: 0, action: 'resolve' }));
  const calm = await part(0, steady, 1000 / perSec);
  const burst = await part(steady, plan.length, 100 / perSec);
  const endedAt = performance.now();
  const keys = new Set(plan.map(({ key }) => key));
  await openLoop(keys.size, 5, (key) => send({ key, action: 'resolve' }));
  const ledger = await untilLedger(bench, ({ waiting }) => waiting === 0, LIMIT_MS);
  const open = await untilClosed(bench, openBefore);
  const incidents = ledger.incidents - before.incidents;
  return {
    events: plan.length,
    incidents,
    lost: keys.size - incidents + open,
    steadyMs: summarize(calm.map(tookMs)),
    burstMs: summarize(burst.map(tookMs)),
    refusals: {
      seen: [...calm, ...burst].reduce((sum, { refusals }) => sum + refusals, 0),
      counted: await countedRefusals(bench),
    },
    workedOffSec: Math.round((performance.now() - endedAt) / 1000),
  };
}

const tookMs = ({ sentAt, acceptedAt }: Accepted): number => acceptedAt - sentAt;

function planEvents(count: number): readonly PlannedEvent[] {
  const plan: PlannedEvent[] = [];
  let [opened, resolved] = [0, 0];
  for (let n = 0; n < count; n += 1) {
    const kind = PATTERN[n % PATTERN.length];
    if (kind === 'repeat') plan.push({ key: opened - 1, action: 'trigger' });
    else if (kind === 'resolve' && n >= OPEN_FOR_EVENTS) {
      plan.push({ key: resolved, action: 'resolve' });
      resolved += 1;
    } else {
      plan.push({ key: opened, action: 'trigger' });
      opened += 1;
    }
  }
  return plan;
}

const OPEN = `WorkflowType="incident" AND PdliteAccount="${ACCOUNT}" AND ExecutionStatus="Running"`;
const countOpen = async ({ workflow }: Client): Promise<number> =>
  (await workflow.count(OPEN)).count;

/** How many more than before are open when all are closed, or the limit is over. */
async function untilClosed(bench: BenchStack, before: number): Promise<number> {
  const until = performance.now() + LIMIT_MS;
  return withTemporal(bench, async (client) => {
    for (;;) {
      const open = (await countOpen(client)) - before;
      if (open <= 0 || performance.now() > until) return Math.max(0, open);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  });
}

const REFUSED =
  /^pdlite_intake_events_total\{[^}]*result="(?:overloaded|unavailable|rate_limited)"[^}]*\} (\d+)/gm;

async function countedRefusals({ settings }: BenchStack): Promise<number> {
  const url = `http://127.0.0.1:${settings.config.API_METRICS_PORT}/metrics`;
  const text = await (await fetch(url)).text();
  return Array.from(text.matchAll(REFUSED), ([, count]) => Number(count)).reduce(
    (a, b) => a + b,
    0,
  );
}
