import pg from 'pg';

import type { Directory } from '../domain/directory.ts';
import type { AccountConfig } from '../domain/model.ts';
import type { Logger } from '../platform/logger.ts';
import { connectionOptions } from './database.ts';
import { DirectoryCopy, type DirectoryCopyOptions } from './directory-copy.ts';
import { DirectoryListener } from './directory-listener.ts';
import { DirectoryMaps } from './directory-maps.ts';
import { ACCOUNT_CONFIGS, ACCOUNT_VERSIONS, type VersionsRow } from './directory-query.ts';
import { accountConfigSchema } from './directory-schema.ts';

const POLL_MS = 1000;
/** Accounts that one statement loads; batches go one after the other, so this bounds the load as well. */
const BATCH = 25;
const STATEMENT_TIMEOUT_MS = 5000;
/** A connection that is older may lead to where the address led before. */
const LIFETIME_SEC = 3;
/** It asks for little: a server that hangs is not waited for longer. */
const VERSIONS_QUERY = { text: ACCOUNT_VERSIONS, query_timeout: 2000 };

/** Where the configuration in memory came from last. */
export type DirectorySource = 'none' | 'database' | 'copy';

export interface LiveDirectory extends Directory {
  /** True once a complete copy has been loaded. It stays true: an old copy is better than none. */
  readonly ready: boolean;
  readonly source: DirectorySource;
  /** Milliseconds since the copy on disk was last known to be current; infinite without one. */
  copyAgeMs(): number;
  /** Asks PostgreSQL for changes now; resolves when they are in force here. Rejects when it cannot. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

export interface DirectoryOptions {
  readonly logger: Logger;
  /** Milliseconds between two looks at the versions, for when notifications are lost. */
  readonly pollMs?: number;
  /** Where the last good copy is kept for a start without PostgreSQL; absent: nowhere. */
  readonly copy?: DirectoryCopyOptions | undefined;
}

/**
 * Opens the directory as the role that reads all accounts, and resolves after the first attempt to fill it: from
 * PostgreSQL, else from the copy on disk. It never rejects: without either it goes on trying, `ready` says
 * whether it has a configuration, and `ageMs` how old the last proof of it is. A standby proves nothing (it may
 * lag), and never takes back what is known.
 */
export async function openDirectory(
  url: string,
  options: DirectoryOptions,
): Promise<LiveDirectory> {
  const directory = new PostgresDirectory(url, options);
  await directory.start();
  return directory;
}

class PostgresDirectory implements LiveDirectory {
  readonly #maps = new DirectoryMaps();
  readonly #logger: Logger;
  readonly #pollMs: number;
  readonly #pool: pg.Pool;
  readonly #listener: DirectoryListener;
  /** Versions that were loaded or refused, by account. */
  readonly #versions = new Map<string, number>();
  readonly #copy: DirectoryCopy | undefined;
  #provenAt = Number.NEGATIVE_INFINITY;
  #source: DirectorySource = 'none';
  #failing = false;
  /** The last look met no server, or one that takes no writes: what listens may hold on to it. */
  #wasSuspect = false;
  #server: string | undefined;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  readonly integrationByKeyHash = this.#maps.integrationByKeyHash;
  readonly apiKeyByHash = this.#maps.apiKeyByHash;
  readonly contactMethodsByAddress = this.#maps.contactMethodsByAddress;

  constructor(url: string, { logger, pollMs = POLL_MS, copy }: DirectoryOptions) {
    this.#logger = logger;
    this.#pollMs = pollMs;
    const options = connectionOptions(url, STATEMENT_TIMEOUT_MS);
    this.#pool = new pg.Pool({ ...options, max: 2, maxLifetimeSeconds: LIFETIME_SEC });
    this.#pool.on('error', (error) => logger.debug({ err: error }, 'idle connection lost'));
    // The pool listens to idle ones only, and an error that nobody hears ends the process.
    this.#pool.on('connect', (client) => {
      client.on('error', (error) => logger.debug({ err: error }, 'connection lost'));
    });
    this.#listener = new DirectoryListener(url, {
      logger,
      onChange: () => void this.#refreshQuietly(),
    });
    const accounts = () => this.#maps.all().map(({ config }) => config);
    if (copy) this.#copy = new DirectoryCopy(copy, { url, logger, accounts });
  }

  async start(): Promise<void> {
    this.#listener.start();
    await this.#refreshQuietly();
    if (this.#source === 'none') await this.#loadCopy();
    this.#poll();
  }

  get ready(): boolean {
    return this.#source !== 'none';
  }

  get source(): DirectorySource {
    return this.#source;
  }

  account = (accountId: string) => this.#maps.get(accountId);

  accounts = () => this.#maps.all();

  ageMs(): number {
    return Math.round(performance.now() - this.#provenAt);
  }

  copyAgeMs(): number {
    return this.#copy?.ageMs() ?? Number.POSITIVE_INFINITY;
  }

  // Whoever asks while a look is under way may have changed something since it began: one more follows it,
  // shared by all who ask meanwhile.
  refresh(): Promise<void> {
    if (!this.#running) return (this.#running = this.#look());
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return (this.#running = this.#look());
      });
    return this.#next;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#listener.close();
    await Promise.allSettled([this.#running, this.#next]);
    await this.#copy?.close();
    await this.#pool.end();
  }

  #poll(): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      void this.#refreshQuietly().then(() => this.#poll());
    }, this.#pollMs);
  }

  async #refreshQuietly(): Promise<void> {
    if (this.#closed) return;
    try {
      await this.refresh();
      if (this.#failing) this.#logger.info('the directory is current again');
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) {
        this.#logger.warn({ err: error }, 'the directory cannot be refreshed; its last copy stays');
      }
      this.#failing = true;
    }
  }

  async #look(): Promise<void> {
    const askedAt = performance.now();
    try {
      const { isStandby, versions } = await this.#askVersions();
      const changed = Object.entries(versions).filter(([id, version]) => {
        const known = this.#versions.get(id);
        return known === undefined || (isStandby ? version > known : version !== known);
      });
      await this.#loadAll(changed);
      const gone = isStandby ? [] : this.#known().filter((id) => versions[id] === undefined);
      for (const accountId of gone) this.#forget(accountId);
      this.#source = 'database';
      if (isStandby) return;
      this.#provenAt = askedAt;
      this.#copy?.noteProof({ changed: changed.length > 0 || gone.length > 0 });
    } finally {
      this.#running = undefined;
    }
  }

  async #askVersions(): Promise<VersionsRow> {
    const [wasSuspect, before] = [this.#wasSuspect, this.#server];
    this.#wasSuspect = true;
    const client = await this.#pool.connect();
    let row: VersionsRow | undefined;
    try {
      row = (await client.query<VersionsRow>(VERSIONS_QUERY)).rows[0];
      if (!row) throw new Error('the versions were not told');
      return row;
    } finally {
      // The address of a server that takes no writes, or does not answer, may lead elsewhere by now.
      this.#wasSuspect = row?.isReadOnly ?? true;
      this.#server = row?.server ?? before;
      client.release(this.#wasSuspect);
      const moved = before !== undefined && this.#server !== before;
      if (moved || (wasSuspect && !this.#wasSuspect)) this.#listener.restart();
    }
  }

  async #loadAll(changed: readonly (readonly [id: string, version: number])[]): Promise<void> {
    for (let from = 0; from < changed.length; from += BATCH) {
      const batch = changed.slice(from, from + BATCH);
      const { rows } = await this.#pool.query<{ config: unknown }>(ACCOUNT_CONFIGS, [
        batch.map(([id]) => id),
      ]);
      for (const [id, version] of batch) this.#versions.set(id, version);
      for (const row of rows) this.#take(row.config);
    }
  }

  /** Ids of all accounts that were loaded, refused, or taken from the copy on disk. */
  #known(): readonly string[] {
    const held = this.#maps.all().map(({ account }) => account.id);
    return [...new Set([...this.#versions.keys(), ...held])];
  }

  async #loadCopy(): Promise<void> {
    const found = await this.#copy?.load();
    // PostgreSQL may have come back meanwhile.
    if (!found || this.ready) return;
    for (const config of found.accounts) this.#maps.put(config);
    this.#provenAt = performance.now() - found.ageMs;
    this.#source = 'copy';
  }

  #take(document: unknown): void {
    const parsed = accountConfigSchema.safeParse(document);
    if (parsed.success) {
      this.#put(parsed.data);
      return;
    }
    this.#logger.error(
      { issues: parsed.error.issues.slice(0, 5) },
      'an account’s configuration cannot be read; its last good copy stays',
    );
  }

  #put(config: AccountConfig): void {
    this.#versions.set(config.account.id, config.version);
    this.#maps.put(config);
  }

  #forget(accountId: string): void {
    this.#versions.delete(accountId);
    this.#maps.remove(accountId);
  }
}
