import { setTimeout as sleep } from 'node:timers/promises';

import type { JsonLines } from '../../platform/json-lines.ts';
import type { FaultWindow } from '../ledgers/records.ts';
import type { ChaosStack } from './chaos-stack.ts';
import { nameOfFault, type PlannedFault } from './planned-fault.ts';
import { heldBy } from './topology.ts';

export interface FaultRun {
  readonly stack: ChaosStack;
  readonly plan: readonly PlannedFault[];
  /** When the plan's time zero is, milliseconds since 1970. */
  readonly startAt: number;
  /** The ledger of windows: a line when a fault begins and one when it is over. */
  readonly ledger: JsonLines;
  /** Whether no page can be expected while it is on. */
  readonly stopsPaging: (fault: PlannedFault) => boolean;
  /** Told of each beginning and end, for people. */
  readonly say: (line: string) => void;
}

const BACK_LIMIT_MS = 90_000;

/** Causes what the plan says when it says it; resolves when all faults are over and everything is up again. */
export async function runFaults(run: FaultRun): Promise<void> {
  await Promise.all(run.plan.map((planned, n) => cause(run, planned, `f${n + 1}`)));
}

async function cause(run: FaultRun, planned: PlannedFault, id: string): Promise<void> {
  const wait = run.startAt + planned.atMs - Date.now();
  if (wait > 0) await sleep(wait);
  const name = nameOfFault(planned);
  const from = Date.now();
  const window: FaultWindow = {
    ...{ id, name, from, to: null, stopsPaging: run.stopsPaging(planned) },
    ...holdsOf(planned),
    // A wrong clock is no reason for anything.
    ...(planned.kind === 'lease' && planned.fault.kind === 'clock' && { excusesNothing: true }),
  };
  run.ledger.append(window);
  run.say(`${name} …`);
  await hold(run, planned);
  const to = Date.now();
  run.ledger.append({ ...window, to });
  run.say(`${name} over after ${((to - from) / 1000).toFixed(1)} s`);
}

/** What a vendor is handed while its line hangs, it takes when the line is back; nobody can take that back. */
function holdsOf(planned: PlannedFault): Pick<FaultWindow, 'holds'> {
  if (planned.kind !== 'lease' || planned.fault.kind !== 'hang') return {};
  const holds = planned.fault.direction === 'down' ? undefined : heldBy(planned.fault.link);
  return holds ? { holds } : {};
}

async function hold({ stack, startAt }: FaultRun, planned: PlannedFault): Promise<void> {
  if (planned.kind === 'lease') {
    if (planned.fault.kind === 'stop') await tellPid(stack, planned.fault.process);
    const held = await stack.faults.on(planned.fault);
    await sleep(Math.max(0, startAt + planned.atMs + planned.forMs - Date.now()));
    await held.off();
    return;
  }
  const server = planned.kind === 'down' ? stack.servers[planned.process] : null;
  server?.hold();
  const before = await tellPid(stack, planned.process);
  await stack.faults.once({ kind: 'kill', process: planned.process });
  if (planned.kind === 'down') await sleep(planned.forMs);
  server?.release();
  await untilBack(stack, planned.process, before);
}

async function tellPid(stack: ChaosStack, name: string): Promise<number> {
  const pid = stack.killables.get(name)?.pid() ?? null;
  if (pid === null) throw new Error(`${name} does not run`);
  await stack.faults.nameProcess(name, pid);
  return pid;
}

async function untilBack(stack: ChaosStack, name: string, before: number): Promise<void> {
  const limit = Date.now() + BACK_LIMIT_MS;
  for (;;) {
    const one = stack.killables.get(name);
    const pid = one?.pid() ?? null;
    if (pid !== null && pid !== before && (await one?.isUp())) return;
    if (Date.now() > limit) throw new Error(`${name} did not come back`);
    await sleep(50);
  }
}
