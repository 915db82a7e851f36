import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import pg from 'pg';
import { pino } from 'pino';

import { migrate } from '../../db/migrate.ts';
import { ensureRoles, type RoleUrls } from '../../db/roles.ts';
import { startPostgres, type EmbeddedPostgres } from '../../platform/embedded/postgres.ts';
import { freePort } from '../../platform/embedded/process.ts';
import { roleUrls } from './role-urls.ts';
import { TcpProxy } from './tcp-proxy.ts';

const run = promisify(execFile);
const FAST = { fsync: 'off', full_page_writes: 'off' };
const DATABASE = 'pdlite';

/** One server: its folder and port stay the same over stops and starts. */
class Server {
  readonly folder: string;
  readonly port: number;
  #settings: Readonly<Record<string, string>>;
  #running: EmbeddedPostgres | undefined;

  constructor(folder: string, port: number, settings: Readonly<Record<string, string>> = {}) {
    this.folder = folder;
    this.port = port;
    this.#settings = { ...FAST, ...settings };
  }

  async start(): Promise<void> {
    const { folder: dataDir, port } = this;
    const log = (): void => undefined;
    this.#running = await startPostgres({ dataDir, port, log, settings: this.#settings });
  }

  async stop(): Promise<void> {
    await this.#running?.stop();
    this.#running = undefined;
  }

  /** Every process of the server at once, as a machine that loses its power. */
  async kill(): Promise<void> {
    const pids = await this.#pids();
    for (const pid of pids) send(pid, 'SIGKILL');
    await this.stop();
  }

  /** Every process of the server stands still, and its connections stay open. */
  async hang(): Promise<void> {
    for (const pid of await this.#pids()) send(pid, 'SIGSTOP');
  }

  async resume(): Promise<void> {
    for (const pid of await this.#pids()) send(pid, 'SIGCONT');
  }

  /** As superuser; the answer's rows. */
  async ask(sql: string, database = 'postgres'): Promise<readonly Record<string, unknown>[]> {
    const url = new URL(`postgres://postgres:postgres@127.0.0.1:${this.port}/${database}`);
    const client = new pg.Client({ connectionString: url.href });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
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

/**
 * A PostgreSQL of a test's own, migrated, behind an address that can lead elsewhere: it can really be stopped,
 * killed, hung, frozen for writing, and replaced by a standby.
 */
export class OwnPostgres {
  /** The server that takes writes. */
  primary: Server;
  /** Through the address that can be switched. */
  readonly urls: RoleUrls;
  readonly address: TcpProxy;
  readonly #root: string;
  readonly #servers: Server[] = [];

  private constructor(root: string, primary: Server, address: TcpProxy) {
    this.#root = root;
    this.primary = primary;
    this.address = address;
    this.#servers.push(primary);
    this.urls = roleUrls(
      `postgres://postgres:postgres@127.0.0.1:${address.port}/postgres`,
      DATABASE,
    );
  }

  static async start(): Promise<OwnPostgres> {
    const root = await mkdtemp(path.join(tmpdir(), 'pdlite-own-postgres-'));
    const primary = new Server(path.join(root, 'first'), await freePort());
    await primary.start();
    const own = new OwnPostgres(root, primary, await TcpProxy.start(primary.port));
    const superuser = `postgres://postgres:postgres@127.0.0.1:${primary.port}/postgres`;
    await ensureRoles(superuser, own.urls);
    await migrate(own.urls.ownerUrl, { logger: pino({ level: 'silent' }) });
    return own;
  }

  /** An operator's freeze: new transactions cannot write. */
  async setReadOnly(on: boolean): Promise<void> {
    const { primary } = this;
    // It works while the server is read-only too.
    if (on) await primary.ask('alter system set default_transaction_read_only = on');
    else await primary.ask('alter system reset default_transaction_read_only');
    await primary.ask('select pg_reload_conf()');
  }

  /** A copy of the primary that follows it. */
  async addStandby(): Promise<Server> {
    const { primary } = this;
    const folder = path.join(this.#root, `standby-${this.#servers.length}`);
    const client = new pg.Client({
      connectionString: `postgres://postgres:postgres@127.0.0.1:${primary.port}/postgres`,
    });
    await client.connect();
    await client.query(`select pg_backup_start('copy', true)`);
    await run('cp', ['-a', primary.folder, folder]);
    const { rows } = await client.query<{ labelfile: string }>(
      'select * from pg_backup_stop(false)',
    );
    await client.end();
    await rm(path.join(folder, 'postmaster.pid'), { force: true });
    await writeFile(path.join(folder, 'backup_label'), rows[0]?.labelfile ?? '');
    await writeFile(path.join(folder, 'standby.signal'), '');
    await sameOwner(folder, ['backup_label', 'standby.signal']);
    const conninfo = `host=127.0.0.1 port=${primary.port} user=postgres password=postgres`;
    const standby = new Server(folder, await freePort(), { primary_conninfo: conninfo });
    this.#servers.push(standby);
    await standby.start();
    return standby;
  }

  /** From now on a commit is answered when the standby has it too. */
  async waitForStandby(): Promise<void> {
    await this.primary.ask(`alter system set synchronous_standby_names = '*'`);
    await this.primary.ask('select pg_reload_conf()');
  }

  /** The standby takes over: the primary is killed, and the address leads to the other. */
  async failOver(standby: Server): Promise<void> {
    await this.primary.kill();
    await standby.ask('select pg_promote()');
    this.address.switchTo(standby.port);
    this.primary = standby;
  }

  /** As superuser in the product's database, past the address. */
  ask(sql: string): Promise<readonly Record<string, unknown>[]> {
    return this.primary.ask(sql, DATABASE);
  }

  async close(): Promise<void> {
    await this.address.close();
    for (const server of this.#servers) {
      await server.resume();
      await server.stop();
    }
    await rm(this.#root, { recursive: true, force: true });
  }
}

export type OwnServer = Server;

/** Files that this process made belong to whoever owns the cluster. */
async function sameOwner(folder: string, names: readonly string[]): Promise<void> {
  const files = names.map((name) => path.join(folder, name));
  await run('chown', [`--reference=${path.join(folder, 'PG_VERSION')}`, ...files]);
}
