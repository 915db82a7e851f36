import { existsSync } from 'node:fs';
import path from 'node:path';

import { Child, runToEnd, type ChildOptions } from './child.ts';
import { findTemporalCli } from './find-temporal.ts';
import { startPostgres, type EmbeddedPostgres } from './postgres.ts';
import { RunFile } from './run-file.ts';
import { refuseTakenPorts, StartError, type Settings } from './settings.ts';
import { startTemporal, type EmbeddedTemporal } from './temporal.ts';

const READY_LIMIT_MS = 60_000;

/** The embedded product: PostgreSQL, Temporal, migrations, simulators, worker and api, in that order. */
export class Stack {
  readonly #settings: Settings;
  #postgres: EmbeddedPostgres | undefined;
  #temporal: EmbeddedTemporal | undefined;
  readonly #children: Child[] = [];
  #run: RunFile | undefined;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /**
   * Answers whether this was the first run on the data folder.
   * @throws StartError when another run has the folder, a port is taken, or a part does not come up.
   */
  async start(): Promise<boolean> {
    const { dataDir, config } = this.#settings;
    this.#run = await RunFile.claim(dataDir, say);
    await refuseTakenPorts(this.#settings);
    const firstRun = !existsSync(path.join(dataDir, 'postgres'));
    const executable = step('Temporal’s program', 'found', () => findTemporalCli({ log: say }));
    await both(
      this.#startPostgres(),
      executable.then((found) => this.#startTemporal(found)),
    );
    this.#launch('simulators', 'simulators/main.ts');
    this.#launch('worker', 'worker/main.ts');
    this.#launch('api', 'api/main.ts');
    await Promise.all([
      this.#ready('simulators', `http://127.0.0.1:${config.SIMULATORS_PORT}/`),
      this.#ready('worker', `http://127.0.0.1:${config.WORKER_METRICS_PORT}/health/ready`),
      this.#ready('api', `http://127.0.0.1:${config.API_PORT}/health/ready`),
    ]);
    // Last: it would report missing what has only not come up yet.
    this.#launch('watchdog', 'watchdog/main.ts');
    await this.#ready('watchdog', `http://127.0.0.1:${config.WATCHDOG_PORT}/health/ready`);
    return firstRun;
  }

  processes(): readonly { readonly name: string; readonly pid: number | undefined }[] {
    return this.#children.map((child) => ({ name: child.name, pid: child.pid }));
  }

  /** Process ids of what the product depends on, for benches that stop it. */
  servers(): { readonly postgres: number; readonly temporal: number } {
    if (!this.#postgres || !this.#temporal) throw new StartError('The servers do not run.');
    return { postgres: this.#postgres.pid, temporal: this.#temporal.pid };
  }

  /** For the migration and for benches; nothing else connects as superuser. */
  superuserUrl(): string {
    if (this.#postgres === undefined) throw new StartError('PostgreSQL does not run.');
    return this.#postgres.superuserUrl;
  }

  /** Stops in the reverse order: nothing loses what it depends on before it has ended. */
  async stop(): Promise<void> {
    // Another run has the folder, or nothing was started.
    if (this.#run === undefined) return;
    if (!this.#run.isEmpty) await this.#stopAll();
    this.#run.release();
  }

  async #stopAll(): Promise<void> {
    console.log('\nStopping …');
    for (const child of [...this.#children].reverse()) {
      await child.stop();
      console.log(`  ${child.name} stopped`);
    }
    await this.#temporal?.stop();
    await this.#postgres?.stop();
    await this.#run?.endAll();
    console.log('  Temporal and PostgreSQL stopped. `npm start` goes on where this stopped.');
  }

  async #startPostgres(): Promise<void> {
    const { dataDir, postgresPort, postgresPassword } = this.#settings;
    const postgres = await step('PostgreSQL', 'running', () =>
      startPostgres({
        dataDir: path.join(dataDir, 'postgres'),
        port: postgresPort,
        password: postgresPassword,
        log: say,
        logFile: this.#logFile('postgres'),
        onSpawn: (pid) => this.#run?.add('postgres', pid, 'SIGINT'),
      }),
    );
    this.#postgres = postgres;
    await step('database', 'migrated', () =>
      runToEnd({
        ...this.#child('migrate', 'db/main.ts', ['--seed']),
        environment: {
          ...this.#settings.environment,
          SUPERUSER_DATABASE_URL: postgres.superuserUrl,
        },
      }),
    );
  }

  async #startTemporal(executable: Awaited<ReturnType<typeof findTemporalCli>>): Promise<void> {
    const { dataDir, temporalPort, temporalUiPort } = this.#settings;
    this.#temporal = await step('Temporal', 'running', () =>
      startTemporal({
        executable,
        port: temporalPort,
        uiPort: temporalUiPort,
        dbFile: path.join(dataDir, 'temporal.db'),
        log: say,
        logFile: this.#logFile('temporal'),
        onSpawn: (pid) => this.#run?.add('temporal', pid),
      }),
    );
  }

  #launch(name: string, script: string): void {
    const child = new Child(this.#child(name, script));
    this.#children.push(child);
    child.start();
  }

  #child(name: string, script: string, args: readonly string[] = []): ChildOptions {
    const { root, dataDir, environment } = this.#settings;
    const onSpawn = (pid: number): void => this.#run?.add(name, pid);
    return { name, script, args, root, dataDir, environment, onSpawn };
  }

  #logFile(name: string): string {
    return path.join(this.#settings.dataDir, 'logs', `${name}.log`);
  }

  #ready(name: string, url: string): Promise<void> {
    return step(name, 'ready', async () => {
      const limit = Date.now() + READY_LIMIT_MS;
      while (!(await answers(url))) {
        if (Date.now() > limit) {
          throw new StartError(
            `${name} was not ready after ${READY_LIMIT_MS / 1000} s; its log says why: ${this.#logFile(name)}`,
          );
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    });
  }
}

/** Waits for both also when one fails: what is still starting could not be stopped. */
async function both(...parts: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(parts)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}

function say(line: string): void {
  console.log(`  ${line}`);
}

async function step<T>(what: string, done: string, work: () => Promise<T>): Promise<T> {
  const startedAt = Date.now();
  say(`${what} …`);
  const result = await work();
  say(`${what} ${done} (${((Date.now() - startedAt) / 1000).toFixed(1)} s)`);
  return result;
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok;
  } catch {
    return false;
  }
}
