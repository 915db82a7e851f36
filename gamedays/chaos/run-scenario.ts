import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { openJsonLines } from '../../platform/json-lines.ts';
import { lastListed } from '../checker/database-times.ts';
import type { Finding } from '../checker/finding.ts';
import { USUAL_LIMITS, type Limits } from '../checker/limits.ts';
import { tellStories } from '../checker/story.ts';
import type { ClientSettings } from '../clients/main.ts';
import type { FaultWindow, RunRecords } from '../ledgers/records.ts';
import { planLoad, type LoadShape } from '../load/plan-load.ts';
import { planPopulation, worldOf, type Population } from '../load/population.ts';
import { createRandom } from '../random.ts';
import { ChaosStack } from './chaos-stack.ts';
import { DatabaseWitness } from './database-witness.ts';
import { judge } from './judge.ts';
import { databaseOf, type PlannedFault } from './planned-fault.ts';
import { filesOf, isSettled, readActs, readLedgers, type RunFiles } from './read-ledgers.ts';
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
  const population = planPopulation(scenario.people, random.fork('population'), scenario.stepMs);
  run.say('starting everything …');
  const { apis, workers, standbys = 0, clocks = false } = scenario;
  const parts = { folder, apis, workers, standbys, clocks, population, signal };
  const stack = await ChaosStack.start(parts);
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

/** What the engine's log says of workflow tasks that do not fit their history. */
const CANNOT_GO_ON = ['NonDeterministicError', 'error-type=InvalidHistoryAction'];

async function countReplayErrors(folder: string): Promise<number> {
  const log = await readFile(path.join(folder, 'logs', 'temporal.log'), 'utf8');
  const isOne = (line: string) => CANNOT_GO_ON.some((text) => line.includes(text));
  return log.split('\n').filter(isOne).length;
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
  const { stack, plan, files, population } = played;
  const { say, signal, scenario } = run;
  const startAt = Date.now() + LEAD_MS;
  const settings = path.join(run.folder, 'clients.json');
  await writeFile(settings, JSON.stringify(clientSettings(run, played, startAt)), { mode: 0o600 });
  const people = stack.launchClient('people', CLIENTS, ['people', settings]);
  say(`${played.scripts.length} alerts and ${plan.length} faults planned`);
  const ledger = openJsonLines(files.windows);
  const witness = plan.some(databaseOf) ? watchDatabase(run, played, startAt) : null;
  const onWindow = (window: FaultWindow): void => {
    ledger.append(window);
    witness?.see(window);
  };
  const stopsPaging = scenario.stopsPaging ?? (() => false);
  try {
    await Promise.all([
      runFaults({ stack, plan, startAt, onWindow, stopsPaging, say }),
      stack.runClient('sender', CLIENTS, ['sender', settings]),
    ]);
    await settle(run, played);
    if (witness) await orAborted(signal, witness.untilListed(limitsOf(scenario).listsMs));
    await people.stop();
  } finally {
    await witness?.end();
  }
  ledger.close();
  signal.throwIfAborted();
  return judge({
    ...{ stack, plan, signal, accounts: population.accounts, since: startAt - LEAD_MS },
    ledgers: readLedgers(files, worldOf(population)),
    database: (await witness?.tell()) ?? null,
    limits: limitsOf(scenario),
  });
}

function limitsOf({ limits }: Scenario): Limits {
  return { ...USUAL_LIMITS, ...limits };
}

function watchDatabase(
  { scenario, folder }: ScenarioRun,
  { stack, population, files }: Played,
  startAt: number,
): DatabaseWitness {
  const world = worldOf(population);
  const { accounts } = population;
  const witness = new DatabaseWitness({
    ...{ folder, apiUrls: stack.apiUrls, since: startAt - LEAD_MS },
    ...{ accounts, apiKey: accounts[0]?.apiKey ?? '' },
    isComplete: (listed, acceptedBy) => {
      const acts = { world, ...readActs(files), received: [] };
      const stories = tellStories(acts, limitsOf(scenario));
      return lastListed(stories, listed, acceptedBy).at !== null;
    },
  });
  witness.start();
  return witness;
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
