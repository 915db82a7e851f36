import pg from 'pg';

import type { Directory } from '../domain/directory.ts';
import type { AccountConfig } from '../domain/model.ts';
import type { Logger } from '../platform/logger.ts';
import { connectionOptions } from './database.ts';
import { DirectoryListener } from './directory-listener.ts';
import { DirectoryMaps } from './directory-maps.ts';
import { ACCOUNT_CONFIGS, ACCOUNT_VERSIONS } from './directory-query.ts';
import { accountConfigSchema } from './directory-schema.ts';

const POLL_MS = 1000;
/** Accounts that one statement loads; batches go one after the other, so this bounds the load as well. */
const BATCH = 25;
const STATEMENT_TIMEOUT_MS = 5000;

export interface LiveDirectory extends Directory {
  /** True once a complete copy has been loaded. It stays true: an old copy is better than none. */
  readonly ready: boolean;
  /** Asks PostgreSQL for changes now; resolves when they are in force here. Rejects when it cannot. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

export interface DirectoryOptions {
  readonly logger: Logger;
  /** Milliseconds between two looks at the versions, for when notifications are lost. */
  readonly pollMs?: number;
}

/**
 * Opens the directory as the role that reads all accounts, and resolves after the first attempt to fill it.
 * It never rejects: without PostgreSQL it goes on trying, `ready` says whether it has a copy, and `ageMs`
 * how old the last proof of it is.
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
  #provenAt = performance.now();
  #loaded = false;
  #failing = false;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  readonly integrationByKeyHash = this.#maps.integrationByKeyHash;
  readonly apiKeyByHash = this.#maps.apiKeyByHash;
  readonly contactMethodsByAddress = this.#maps.contactMethodsByAddress;

  constructor(url: string, { logger, pollMs = POLL_MS }: DirectoryOptions) {
    this.#logger = logger;
    this.#pollMs = pollMs;
    this.#pool = new pg.Pool({ ...connectionOptions(url, STATEMENT_TIMEOUT_MS), max: 2 });
    this.#pool.on('error', (error) => logger.debug({ err: error }, 'idle connection lost'));
    this.#listener = new DirectoryListener(url, {
      logger,
      onChange: () => void this.#refreshQuietly(),
    });
  }

  async start(): Promise<void> {
    this.#listener.start();
    await this.#refreshQuietly();
    this.#poll();
  }

  get ready(): boolean {
    return this.#loaded;
  }

  account = (accountId: string) => this.#maps.get(accountId);

  accounts = () => this.#maps.all();

  ageMs(): number {
    return Math.round(performance.now() - this.#provenAt);
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
    await this.#listener.close();
    await Promise.allSettled([this.#running, this.#next]);
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
      const current = await this.#currentVersions();
      await this.#loadChanged(current);
      for (const accountId of this.#versions.keys()) {
        if (!current.has(accountId)) this.#forget(accountId);
      }
      this.#provenAt = askedAt;
      this.#loaded = true;
    } finally {
      this.#running = undefined;
    }
  }

  async #currentVersions(): Promise<ReadonlyMap<string, number>> {
    const { rows } = await this.#pool.query<{ id: string; version: number }>(ACCOUNT_VERSIONS);
    return new Map(rows.map((row) => [row.id, row.version]));
  }

  async #loadChanged(current: ReadonlyMap<string, number>): Promise<void> {
    const changed = [...current].filter(([id, version]) => this.#versions.get(id) !== version);
    for (let from = 0; from < changed.length; from += BATCH) {
      const batch = changed.slice(from, from + BATCH);
      const { rows } = await this.#pool.query<{ config: unknown }>(ACCOUNT_CONFIGS, [
        batch.map(([id]) => id),
      ]);
      for (const [id, version] of batch) this.#versions.set(id, version);
      for (const row of rows) this.#take(row.config);
    }
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
