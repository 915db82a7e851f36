import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { inheritedEnvironment } from '../../platform/config.ts';
import { Child, runToEnd, type ChildOptions } from '../../platform/embedded/child.ts';
import { findTemporalCli } from '../../platform/embedded/find-temporal.ts';
import { RunFile } from '../../platform/embedded/run-file.ts';
import { readSettings, type Settings } from '../../platform/embedded/settings.ts';
import { startTemporal } from '../../platform/embedded/temporal.ts';
import type { AgentSettings } from '../faults/agent-settings.ts';
import { FaultClient } from '../faults/client.ts';
import { clockEnvironment, findClockLibrary } from '../faults/process-clock.ts';
import { populate } from '../load/populate.ts';
import type { Population } from '../load/population.ts';
import type { PostgresServerOptions } from '../postgres/postgres-server.ts';
import { KeptServer } from './kept-server.ts';
import { PostgresCluster } from './postgres-cluster.ts';
import {
  agentSettings,
  layOut,
  local,
  productEnvironment,
  vendorEnvironment,
  VENDORS,
  type Topology,
} from './topology.ts';

export interface ChaosStackOptions {
  /** Folder of the run's data and ledgers; what an earlier run left there is removed. */
  readonly folder: string;
  readonly apis: number;
  readonly workers: number;
  /** Of PostgreSQL, of which one must have what is committed; 0: there is one server. */
  readonly standbys: number;
  readonly population: Population;
  /** Whether the clocks of apis and workers can be set. */
  readonly clocks: boolean;
  /** Aborted: the start is given up, and what was started ends. */
  readonly signal: AbortSignal;
}

/** Something that can be killed and comes back by itself, unless it is held down. */
export interface Killable {
  pid(): number | null;
  /** Whether it does its work. */
  isUp(): Promise<boolean>;
  hold(): void;
  release(): void;
}

const READY_MS = 60_000;
const KEPT = ['run.json', 'run.json.lock'];

interface Parts {
  readonly options: ChaosStackOptions;
  readonly run: RunFile;
  readonly settings: Settings;
  readonly topology: Topology;
  readonly agent: AgentSettings;
  /** Null: no clock can be set. */
  readonly clockLibrary: string | null;
}

/** The whole product as real processes, several of each, with a link before everything that it depends on. */
export class ChaosStack {
  readonly topology: Topology;
  readonly faults: FaultClient;
  /** By name: `api-1`, `worker-2`, `temporal`, `postgres`, `standby-1`. */
  readonly killables: ReadonlyMap<string, Killable>;
  readonly postgres: PostgresCluster;
  readonly #temporal: KeptServer;
  readonly #parts: Parts;
  readonly #killables = new Map<string, Killable>();
  readonly #children: Child[] = [];
  #temporalCli = '';

  /**
   * Starts everything; resolves when it is ready.
   * @throws StartError or Error with the reason, after ending what was started; where clocks are to be set and
   * libfaketime is missing, before anything is.
   */
  static async start(options: ChaosStackOptions): Promise<ChaosStack> {
    const { folder } = options;
    const clockLibrary = options.clocks ? needClockLibrary() : null;
    await mkdir(folder, { recursive: true, mode: 0o755 });
    const run = await RunFile.claim(folder, () => undefined);
    const left = (await readdir(folder)).filter((name) => !KEPT.includes(name));
    for (const name of left) await rm(path.join(folder, name), { recursive: true, force: true });
    const topology = await layOut(options);
    const settings = await readSettings({
      ...inheritedEnvironment(),
      ...productEnvironment(topology),
      DATA_DIR: folder,
    });
    const agent = agentSettings(topology, {
      clocks: options.clocks ? clockFiles(options) : {},
      ledgerFile: path.join(folder, 'faults.jsonl'),
      superuserUrl: superuserUrl(settings, topology.postgres),
    });
    const stack = new ChaosStack({ options, run, settings, topology, agent, clockLibrary });
    try {
      await stack.#startAll();
      return stack;
    } catch (error) {
      await stack.stop();
      throw error;
    }
  }

  private constructor(parts: Parts) {
    this.#parts = parts;
    this.topology = parts.topology;
    this.killables = this.#killables;
    const { port, token } = parts.agent;
    this.faults = new FaultClient({ url: `http://${local(port)}`, token });
    const onSpawn = (name: string, pid: number) => this.faults.nameProcess(name, pid);
    this.postgres = new PostgresCluster({ place: (name) => this.#placePostgres(name), onSpawn });
    this.#temporal = new KeptServer({
      start: () => this.#startTemporal(),
      onSpawn: (pid) => onSpawn('temporal', pid),
    });
  }

  /** Ends everything that was started here, and nothing else. */
  async stop(): Promise<void> {
    await Promise.all(this.#children.reverse().map((child) => child.stop()));
    await this.#temporal.stop();
    await this.postgres.stop();
    await this.#parts.run.endAll();
    this.#parts.run.release();
  }

  /** By name: what is started again when it dies, unless it is held down. */
  get servers(): ReadonlyMap<string, KeptServer> {
    return new Map([...this.postgres.servers, ['temporal', this.#temporal]]);
  }

  /** Where a process of the product may be asked over HTTP. */
  get apiUrls(): readonly string[] {
    return this.topology.apis.map(({ http }) => `http://${local(http)}`);
  }

  get apiMetricsUrls(): readonly string[] {
    return this.topology.apis.map(({ metrics }) => `http://${local(metrics)}/metrics`);
  }

  get vendorUrls(): readonly string[] {
    return VENDORS.map((name) => `http://${local(this.topology.vendors[name].http)}`);
  }

  /** Starts another process beside the product, which is started again when it dies, until it is stopped. */
  launchClient(name: string, script: string, args: readonly string[]): Child {
    return this.#launch(name, script, {}, args);
  }

  /** Runs another process beside the product to its end. @throws StartError with its last line. */
  async runClient(name: string, script: string, args: readonly string[]): Promise<void> {
    await runToEnd(this.#child(name, script, {}, args));
  }

  async #startAll(): Promise<void> {
    const { options, agent, topology } = this.#parts;
    const agentFile = path.join(options.folder, 'agent.json');
    await writeFile(agentFile, JSON.stringify(agent), { mode: 0o600 });
    this.#launch('fault-agent', 'gamedays/faults/main.ts', {}, [agentFile]);
    await this.#until('the fault agent', () => this.faults.list().then(() => true));
    this.#temporalCli = await findTemporalCli({ log: () => undefined });
    await Promise.all([this.#startDatabase(), this.#temporal.start()]);
    for (const [name, server] of this.servers) {
      this.#killables.set(name, {
        pid: () => server.pid,
        isUp: () => Promise.resolve(server.pid !== null),
        hold: () => server.hold(),
        release: () => server.release(),
      });
    }
    for (const name of VENDORS) {
      this.#launch(`vendor-${name}`, 'simulators/main.ts', {
        ...vendorEnvironment(topology, name),
        SIMULATORS_LEDGER_FILE: path.join(options.folder, `vendor-${name}.jsonl`),
      });
      const url = `http://${local(topology.vendors[name].http)}/`;
      await this.#until(`vendor ${name}`, () => answers(url));
    }
    topology.workers.forEach((metrics, n) => {
      const own = { WORKER_METRICS_PORT: `${metrics}` };
      this.#launchKillable(`worker-${n + 1}`, 'worker/main.ts', own, metrics);
    });
    topology.apis.forEach(({ http, smtp, metrics }, n) => {
      const own = { API_PORT: `${http}`, INBOUND_SMTP_PORT: `${smtp}` };
      const environment = { ...own, API_METRICS_PORT: `${metrics}` };
      this.#launchKillable(`api-${n + 1}`, 'api/main.ts', environment, http);
    });
    for (const [name, one] of this.#killables) await this.#until(name, () => one.isUp());
  }

  async #until(name: string, ready: () => Promise<boolean>): Promise<void> {
    const limit = Date.now() + READY_MS;
    while (!(await ready().catch(() => false))) {
      this.#parts.options.signal.throwIfAborted();
      if (Date.now() > limit) throw new Error(`${name} was not ready after ${READY_MS / 1000} s`);
      await sleep(100);
    }
  }

  async #startDatabase(): Promise<void> {
    const { settings, agent, options, topology } = this.#parts;
    await this.postgres.start();
    const environment = { SUPERUSER_DATABASE_URL: agent.postgres['app'] ?? '' };
    await runToEnd(this.#child('migrate', 'db/main.ts', environment));
    await populate(superuserUrl(settings, topology.postgres), options.population);
    await this.postgres.addStandbys(topology.standbys.map((_, n) => `standby-${n + 1}`));
  }

  #placePostgres(name: string): PostgresServerOptions {
    const { settings, options, topology, run } = this.#parts;
    const standby = topology.standbys[Number(name.split('-')[1]) - 1];
    return {
      ...{ dataDir: path.join(options.folder, name), port: standby ?? topology.postgres },
      password: settings.postgresPassword,
      logFile: path.join(options.folder, 'logs', `${name}.log`),
      onSpawn: (pid) => run.add(name, pid, 'SIGINT'),
    };
  }

  async #startTemporal() {
    const { options, topology, run } = this.#parts;
    return startTemporal({
      ...{ executable: this.#temporalCli, port: topology.temporal, uiPort: null },
      ...{ dbFile: path.join(options.folder, 'temporal.db'), log: () => undefined },
      logFile: path.join(options.folder, 'logs', 'temporal.log'),
      onSpawn: (pid) => run.add('temporal', pid),
    });
  }

  #launchKillable(
    name: string,
    script: string,
    environment: Readonly<Record<string, string>>,
    healthPort: number,
  ): void {
    // A host of its own: what a process keeps on disk is not shared.
    const own = { ...environment, DATA_DIR: path.join(this.#parts.options.folder, name) };
    const child = this.#launch(name, script, { ...own, ...this.#clockOf(name) });
    this.#killables.set(name, {
      pid: () => child.pid ?? null,
      isUp: () => answers(`http://${local(healthPort)}/health/ready`),
      hold: () => child.hold(),
      release: () => child.release(),
    });
  }

  #clockOf(name: string): Record<string, string> {
    const { clockLibrary, agent } = this.#parts;
    const file = agent.clocks[name];
    return clockLibrary !== null && file !== undefined ? clockEnvironment(clockLibrary, file) : {};
  }

  #launch(
    name: string,
    script: string,
    environment: Readonly<Record<string, string>>,
    args: readonly string[] = [],
  ): Child {
    const child = new Child(this.#child(name, script, environment, args));
    this.#children.push(child);
    child.start();
    return child;
  }

  #child(
    name: string,
    script: string,
    environment: Readonly<Record<string, string>>,
    args: readonly string[] = [],
  ): ChildOptions {
    const { settings, run, options } = this.#parts;
    return {
      ...{ name, script, args, root: settings.root, dataDir: options.folder },
      environment: { ...settings.environment, ...environment },
      onSpawn: (pid) => {
        run.add(name, pid);
        // The agent cannot be told of itself before it is there, and need not be.
        this.faults.nameProcess(name, pid).catch(() => undefined);
      },
    };
  }
}

function superuserUrl({ postgresPassword }: Settings, port: number): string {
  return `postgres://postgres:${encodeURIComponent(postgresPassword)}@${local(port)}/postgres`;
}

/** @throws Error that says how to get it. */
function needClockLibrary(): string {
  const library = findClockLibrary();
  if (library !== null) return library;
  throw new Error(
    'Setting the clocks of processes needs libfaketime, which is not installed (apt-get install faketime).',
  );
}

/** Of each api and worker. */
function clockFiles({ folder, apis, workers }: ChaosStackOptions): Record<string, string> {
  const names = (kind: string, count: number) =>
    Array.from({ length: count }, (_, n) => `${kind}-${n + 1}`);
  return Object.fromEntries(
    [...names('api', apis), ...names('worker', workers)].map((name) => [
      name,
      path.join(folder, `${name}.clock`),
    ]),
  );
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(1000) })).ok;
  } catch {
    return false;
  }
}
