import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { openJsonLines } from '../../platform/json-lines.ts';
import { checkRun } from '../checker/check-run.ts';
import type { Finding } from '../checker/finding.ts';
import { USUAL_LIMITS } from '../checker/limits.ts';
import type { ClientSettings } from '../clients/main.ts';
import type { RunRecords } from '../ledgers/records.ts';
import { planLoad, type LoadShape } from '../load/plan-load.ts';
import { planPopulation, worldOf, type Population } from '../load/population.ts';
import { createRandom } from '../random.ts';
import { ChaosStack } from './chaos-stack.ts';
import { readFinals, readRefusals } from './finals.ts';
import type { PlannedFault } from './planned-fault.ts';
import { filesOf, isSettled, readLedgers, type RunFiles } from './read-ledgers.ts';
import { runFaults } from './run-faults.ts';
import type { Scenario } from './scenario.ts';

export interface ScenarioRun {
  readonly scenario: Scenario;
  /** The same seed gives the same load and the same faults at the same times. */
  readonly seed: string;
  /** Of load; what comes after it is added. */
  readonly durationMs: number;
  /** From the end of load and faults, at least; to see the next step of what nobody answers it takes over a minute. */
  readonly settleMs: number;
  /** Of data and ledgers; what an earlier run left there is removed. */
  readonly folder: string;
  /** Told of each stage, for people. */
  readonly say: (line: string) => void;
  /** Aborted: everything ends, and the run rejects with its reason. */
  readonly signal: AbortSignal;
}

/** What was planned, what the ledgers hold, and what is wrong with it. */
export interface ScenarioResult {
  readonly plan: readonly PlannedFault[];
  readonly records: RunRecords;
  readonly findings: readonly Finding[];
  /** Workflow tasks that failed because a worker could not replay the history: nobody is paged by it any more. */
  readonly replayErrors: number;
  /** From the first start of a process to the last end. */
  readonly tookMs: number;
}

/** Between the end of the start and the first event. */
const LEAD_MS = 2000;
/** Clients go on so long with what is not accepted yet. */
const SENDING_AFTER_MS = 90_000;
/** What has not been paged so long after load and faults is missed. */
const SETTLE_MAX_MS = 120_000;
/** Lists follow what happens; by then they must have caught up. */
const LISTS_MS = 45_000;
const LOOK_EVERY_MS = 1000;
/** From this length on alerts last as long as the scenario says. */
const FULL_MS = 180_000;

/**
 * Starts the whole product, causes the scenario's faults under its load, waits until all is settled, and checks
 * what clients and vendors saw.
 * @throws Error when a process does not start or come back, or the run is aborted; everything has ended then.
 */
export async function runScenario(run: ScenarioRun): Promise<ScenarioResult> {
  const begun = Date.now();
  const { scenario, folder, signal } = run;
  const random = createRandom(run.seed).fork(scenario.name);
  const population = planPopulation(scenario.people, random.fork('population'));
  run.say('starting everything …');
  const { apis, workers, clocks = false } = scenario;
  const stack = await ChaosStack.start({ folder, apis, workers, clocks, population, signal });
  try {
    const plan = scenario.plan(random.fork('faults'), run.durationMs);
    const load = loadOf(scenario, run.durationMs);
    const services = population.services.map(({ name }) => name);
    const scripts = planLoad(load, services, random.fork('load'));
    const seen = await orAborted(
      signal,
      play(run, { stack, population, plan, scripts, files: filesOf(folder) }),
    );
    const replayErrors = await countReplayErrors(folder);
    return { plan, ...seen, replayErrors, tookMs: Date.now() - begun };
  } finally {
    run.say('ending everything …');
    await stack.stop();
  }
}

async function countReplayErrors(folder: string): Promise<number> {
  const log = await readFile(path.join(folder, 'logs', 'temporal.log'), 'utf8');
  return log.split('\n').filter((line) => line.includes('NonDeterministicError')).length;
}

/** In a short run alerts are short as well: otherwise most of it would be waiting for them to resolve. */
function loadOf({ load }: Scenario, durationMs: number): LoadShape {
  const share = Math.min(1, durationMs / FULL_MS);
  const [from, to] = load.onMs;
  return { ...load, durationMs, onMs: [Math.round(from * share), Math.round(to * share)] };
}

interface Played {
  readonly stack: ChaosStack;
  readonly population: Population;
  readonly plan: readonly PlannedFault[];
  readonly scripts: ClientSettings['scripts'];
  readonly files: RunFiles;
}

async function play(
  run: ScenarioRun,
  played: Played,
): Promise<Pick<ScenarioResult, 'records' | 'findings'>> {
  const { stack, plan, files } = played;
  const startAt = Date.now() + LEAD_MS;
  const settings = path.join(run.folder, 'clients.json');
  await writeFile(settings, JSON.stringify(clientSettings(run, played, startAt)), { mode: 0o600 });
  const people = stack.launchClient('people', CLIENTS, ['people', settings]);
  run.say(`${played.scripts.length} alerts and ${plan.length} faults planned`);
  const ledger = openJsonLines(files.windows);
  const stopsPaging = run.scenario.stopsPaging ?? (() => false);
  const { say, signal } = run;
  await Promise.all([
    runFaults({ stack, plan, startAt, ledger, stopsPaging, say }),
    stack.runClient('sender', CLIENTS, ['sender', settings]),
  ]);
  await settle(run, played);
  await people.stop();
  ledger.close();
  signal.throwIfAborted();
  return judge(run, played, startAt);
}

const CLIENTS = 'gamedays/clients/main.ts';

function clientSettings(
  { durationMs }: ScenarioRun,
  { stack, population, scripts, files }: Played,
  startAt: number,
): ClientSettings {
  const { services } = population;
  return {
    ...{ scripts, startAt, world: worldOf(population) },
    routingKeys: Object.fromEntries(services.map(({ name, routingKey }) => [name, routingKey])),
    apiUrls: stack.apiUrls,
    simulators: stack.vendorUrls,
    endAt: startAt + durationMs + SENDING_AFTER_MS,
    ...{ sentFile: files.sent, answersFile: files.answers },
  };
}

async function settle(run: ScenarioRun, { files, population }: Played): Promise<void> {
  const from = Date.now();
  run.say(`load and faults are over; settling for ${run.settleMs / 1000} s at least …`);
  await sleep(run.settleMs, undefined, { signal: run.signal });
  const world = worldOf(population);
  while (!isSettled(readLedgers(files, world)) && Date.now() < from + SETTLE_MAX_MS)
    await sleep(LOOK_EVERY_MS, undefined, { signal: run.signal });
}

async function judge(
  { scenario, signal }: ScenarioRun,
  { stack, population, plan, files }: Played,
  startAt: number,
): Promise<Pick<ScenarioResult, 'records' | 'findings'>> {
  const ledgers = readLedgers(files, worldOf(population));
  const observedUntil = Date.now();
  const limits = { ...USUAL_LIMITS, ...scenario.limits };
  const refusalsCounted = losesCounters(plan) ? null : await readRefusals(stack.apiMetricsUrls);
  const limit = Date.now() + LISTS_MS;
  for (;;) {
    const finals = await readFinals(stack.apiUrls[0] ?? '', population.accounts, startAt - LEAD_MS);
    const records = { ...ledgers, finals, refusalsCounted, observedUntil };
    const findings = checkRun(records, limits);
    // Another look changes only what the lists say.
    const same = findings.length === checkRun({ ...records, finals: null }, limits).length;
    if (same || Date.now() > limit) return { records, findings };
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
}

/** Whether an api process is killed, and what it had counted with it. */
function losesCounters(plan: readonly PlannedFault[]): boolean {
  return plan.some((one) => one.kind !== 'lease' && one.process.startsWith('api-'));
}

/** Rejects as soon as the signal does; what was under way is left to end by itself. */
async function orAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(new Error('The run was stopped.'));
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', abort);
    work.catch(() => undefined);
  }
}
