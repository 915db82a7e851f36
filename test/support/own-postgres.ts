import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { pino } from 'pino';

import { migrate } from '../../db/migrate.ts';
import { ensureRoles, type RoleUrls } from '../../db/roles.ts';
import { Link } from '../../gamedays/faults/link.ts';
import {
  PostgresServer,
  type PostgresServerOptions,
} from '../../gamedays/postgres/postgres-server.ts';
import { makeStandby, promote } from '../../gamedays/postgres/standby.ts';
import { freePort } from '../../platform/embedded/process.ts';
import { roleUrls } from './role-urls.ts';

const FAST = { fsync: 'off', full_page_writes: 'off' };
const DATABASE = 'pdlite';

/**
 * A PostgreSQL of a test's own, migrated, behind an address that can lead elsewhere: it can really be stopped,
 * killed, hung, frozen for writing, and replaced by a standby.
 */
export class OwnPostgres {
  /** The server that takes writes. */
  primary: PostgresServer;
  /** Through the address that can be switched. */
  readonly urls: RoleUrls;
  readonly #address: Link;
  readonly #root: string;
  readonly #servers: PostgresServer[] = [];

  private constructor(root: string, primary: PostgresServer, address: Link) {
    this.#root = root;
    this.primary = primary;
    this.#address = address;
    this.#servers.push(primary);
    this.urls = roleUrls(
      `postgres://postgres:postgres@127.0.0.1:${address.port}/postgres`,
      DATABASE,
    );
  }

  static async start(): Promise<OwnPostgres> {
    const root = await mkdtemp(path.join(tmpdir(), 'pdlite-own-postgres-'));
    const primary = new PostgresServer(await placeIn(root, 'first'));
    await primary.start();
    const address = new Link({ port: 0, targets: [primary.address] });
    await address.start();
    const own = new OwnPostgres(root, primary, address);
    await ensureRoles(primary.superuserUrl(), own.urls);
    await migrate(own.urls.ownerUrl, { logger: pino({ level: 'silent' }) });
    return own;
  }

  /** An operator's freeze: new transactions cannot write. */
  async setReadOnly(on: boolean): Promise<void> {
    await this.primary.set('default_transaction_read_only', on ? 'on' : null);
  }

  /** A copy of the primary that follows it. */
  async addStandby(): Promise<PostgresServer> {
    const place = await placeIn(this.#root, `standby-${this.#servers.length}`);
    const standby = await makeStandby(this.primary, place);
    this.#servers.push(standby);
    await standby.start();
    return standby;
  }

  /** From now on a commit is answered when the standby has it too. */
  async waitForStandby(): Promise<void> {
    await this.primary.set('synchronous_standby_names', '*');
  }

  /** New connections lead to another server. Those that are open stay as they are, unless they are cut. */
  leadTo(server: PostgresServer, open: 'kept' | 'cut'): void {
    this.#address.lead([server.address]);
    if (open === 'cut') this.#address.cut();
  }

  /** The standby takes over: the primary is killed, and the address leads to the other. */
  async failOver(standby: PostgresServer): Promise<void> {
    await this.primary.kill();
    await promote(standby);
    this.leadTo(standby, 'kept');
    this.primary = standby;
  }

  /** As superuser in the product's database, past the address. */
  ask(sql: string): Promise<readonly Record<string, unknown>[]> {
    return this.primary.ask(sql, DATABASE);
  }

  async close(): Promise<void> {
    await this.#address.stop();
    for (const server of this.#servers) {
      await server.resume();
      await server.stop();
    }
    await rm(this.#root, { recursive: true, force: true });
  }
}

async function placeIn(root: string, name: string): Promise<PostgresServerOptions> {
  const dataDir = path.join(root, name);
  return { dataDir, port: await freePort(), password: 'postgres', settings: FAST };
}
