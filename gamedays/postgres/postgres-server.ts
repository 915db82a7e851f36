import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import pg from 'pg';

import {
  startPostgres,
  type EmbeddedPostgres,
  type PostgresOptions,
} from '../../platform/embedded/postgres.ts';
import { asSuperuser } from './as-superuser.ts';

const run = promisify(execFile);

export type PostgresServerOptions = Omit<PostgresOptions, 'log'> & { readonly password: string };

/** One server on 127.0.0.1: its folder and port stay the same over stops and starts. */
export class PostgresServer {
  readonly #options: PostgresServerOptions;
  #running: EmbeddedPostgres | undefined;

  constructor(options: PostgresServerOptions) {
    this.#options = options;
  }

  get folder(): string {
    return this.#options.dataDir;
  }

  get address(): string {
    return `127.0.0.1:${this.#options.port}`;
  }

  /** Past every link. */
  superuserUrl(database = 'postgres'): string {
    const password = encodeURIComponent(this.#options.password);
    return `postgres://postgres:${password}@${this.address}/${database}`;
  }

  /** Resolves when it serves. @throws StartError */
  async start(): Promise<EmbeddedPostgres> {
    this.#running = await startPostgres({ ...this.#options, log: () => undefined });
    return this.#running;
  }

  async stop(): Promise<void> {
    await this.#running?.stop();
    this.#running = undefined;
  }

  /** Every process of the server at once, as a machine that loses its power. */
  async kill(): Promise<void> {
    for (const pid of await this.#pids()) send(pid, 'SIGKILL');
    await this.stop();
  }

  /** Every process of the server stands still, and its connections stay open. */
  async hang(): Promise<void> {
    for (const pid of await this.#pids()) send(pid, 'SIGSTOP');
  }

  async resume(): Promise<void> {
    for (const pid of await this.#pids()) send(pid, 'SIGCONT');
  }

  /** As superuser; the answer's rows. @throws what `asSuperuser` does. */
  ask(sql: string, database?: string): Promise<readonly Record<string, unknown>[]> {
    return asSuperuser(this.superuserUrl(database), [sql]);
  }

  /** As an operator; null is the default. It works while the server takes no writes too. */
  async set(name: string, value: string | null): Promise<void> {
    const change = value === null ? 'reset' : 'set';
    const to = value === null ? '' : ` = ${pg.escapeLiteral(value)}`;
    await asSuperuser(this.superuserUrl(), [
      `alter system ${change} ${name}${to}`,
      'select pg_reload_conf()',
    ]);
  }

  async #pids(): Promise<readonly number[]> {
    const main = this.#running?.pid ?? 0;
    const { stdout } = await run('ps', ['-eo', 'pid=,ppid=']);
    const pairs = stdout
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number));
    const children = pairs.flatMap(([pid, parent]) => (pid && parent === main ? [pid] : []));
    return main > 0 ? [main, ...children] : [];
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}
