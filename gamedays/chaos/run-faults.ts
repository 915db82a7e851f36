import { setTimeout as sleep } from 'node:timers/promises';

import type { Fault } from '../faults/fault.ts';
import type { FaultWindow } from '../ledgers/records.ts';
import type { ChaosStack } from './chaos-stack.ts';
import {
  channelsOf,
  databaseOf,
  nameOfFault,
  silencesOf,
  type PlannedFault,
} from './planned-fault.ts';
import { heldBy } from './topology.ts';

export interface FaultRun {
  readonly stack: ChaosStack;
  readonly plan: readonly PlannedFault[];
  /** When the plan's time zero is, milliseconds since 1970. */
  readonly startAt: number;
  /** Told when a fault begins and when it is over. */
  readonly onWindow: (window: FaultWindow) => void;
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
    ...{ ...holdsOf(planned), ...silencesOf(planned), database: databaseOf(planned) },
    channels: channelsOf(planned),
    // A wrong clock is no reason for anything.
    ...(planned.kind === 'lease' && planned.fault.kind === 'clock' && { excusesNothing: true }),
  };
  run.onWindow(window);
  run.say(`${name} …`);
  await hold(run, planned);
  const to = Date.now();
  run.onWindow({ ...window, to });
  run.say(`${name} over after ${((to - from) / 1000).toFixed(1)} s`);
}

/** What a vendor is handed while its line hangs, it takes when the line is back; nobody can take that back. */
function holdsOf(planned: PlannedFault): Pick<FaultWindow, 'holds'> {
  if (planned.kind !== 'lease' || planned.fault.kind !== 'hang') return {};
  const holds = planned.fault.direction === 'down' ? undefined : heldBy(planned.fault.link);
  return holds ? { holds } : {};
}

async function hold({ stack, startAt }: FaultRun, planned: PlannedFault): Promise<void> {
  if (planned.kind === 'failover') return failOver(stack, planned.forMs);
  if (planned.kind === 'lease') {
    if (planned.fault.kind === 'stop') await tellPid(stack, planned.fault.process);
    const held = await stack.faults.on(placed(stack, planned.fault));
    await sleep(Math.max(0, startAt + planned.atMs + planned.forMs - Date.now()));
    await held.off();
    return;
  }
  const held = planned.kind === 'down' ? stack.killables.get(planned.process) : null;
  held?.hold();
  const before = await tellPid(stack, planned.process);
  await stack.faults.once({ kind: 'kill', process: planned.process });
  if (planned.kind === 'down') await sleep(planned.forMs);
  held?.release();
  await untilBack(stack, planned.process, before);
}

/** With the address of the server that the plan names. */
function placed<T extends Fault>({ postgres }: ChaosStack, fault: T): T {
  return fault.kind === 'repoint' ? { ...fault, target: postgres.addressOf(fault.target) } : fault;
}

/** The server of before stays down: nobody brings it back as a second primary. */
async function failOver(stack: ChaosStack, forMs: number): Promise<void> {
  const { postgres, faults } = stack;
  const { primary } = postgres;
  stack.killables.get(primary)?.hold();
  await tellPid(stack, primary);
  await faults.once({ kind: 'kill', process: primary });
  await sleep(forMs);
  await faults.lead('postgres', [await postgres.failOver()]);
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
