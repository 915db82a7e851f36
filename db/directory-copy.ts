import { mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';

import type { AccountConfig } from '../domain/model.ts';
import type { Config } from '../platform/config.ts';
import { dataFolder } from '../platform/data-folder.ts';
import { isAlive } from '../platform/embedded/file-lock.ts';
import type { Logger } from '../platform/logger.ts';
import {
  COPY_BYTES_MAX,
  CopyRefusal,
  readCopy,
  readHeader,
  sourceOf,
  startCopy,
  type CopyKey,
} from './directory-copy-file.ts';
import { accountConfigSchema } from './directory-schema.ts';

const HOUR_MS = 3_600_000;
const SAVE_AFTER_MS = 1000;
/** Between two saves at least this, and twenty times what the last one took: disks have other work. */
const SAVE_EVERY_MS = 5000;
const SAVE_SHARE = 20;
const TOUCH_EVERY_MS = 30_000;

export interface DirectoryCopyOptions {
  /** Made with mode 0700 where it is missing. Processes of several roles may share it. */
  readonly folder: string;
  /** Names the file: `directory-{role}.copy`. */
  readonly role: string;
  /** The key is derived from it; with another one the file cannot be read. */
  readonly secret: string;
  /** A copy that was last proven current longer ago is refused. */
  readonly maxAgeMs: number;
}

/** As configured, for the process of this role; undefined when no copy is to be kept. */
export function directoryCopyOptions(
  config: Config,
  role: string,
): DirectoryCopyOptions | undefined {
  const maxAgeMs = config.DIRECTORY_COPY_MAX_AGE_HOURS * HOUR_MS;
  if (maxAgeMs === 0) return undefined;
  return { folder: dataFolder(config, 'directory'), role, secret: config.LINK_SECRET, maxAgeMs };
}

/** What a copy on disk told. */
export interface LoadedCopy {
  readonly accounts: readonly AccountConfig[];
  /** Milliseconds since it was last known to be current. */
  readonly ageMs: number;
}

/** What is saved, and where what becomes of it is told. */
interface Surroundings {
  /** Of the database that it is a copy of. */
  readonly url: string;
  readonly logger: Logger;
  readonly accounts: () => readonly AccountConfig[];
}

/**
 * The directory's last good copy on local disk, with which a process starts while PostgreSQL is away. One line
 * of JSON tells version, sequence and which database it is of; then each account, encrypted and authenticated
 * together with that line. The file's time of change is when it was last proven current. Mode 0600, replaced
 * as a whole. Nothing here throws: without a copy the process works as long as it runs.
 */
export class DirectoryCopy {
  readonly #options: DirectoryCopyOptions;
  readonly #around: Surroundings;
  readonly #key: CopyKey;
  readonly #file: string;
  #sequence: number | undefined;
  #isDirty = false;
  #isFailing = false;
  #touchedAt = Number.NEGATIVE_INFINITY;
  #saveNotBefore = 0;
  /** On the clock of `performance.now()`. */
  #provenAt = Number.NEGATIVE_INFINITY;
  #saving: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DirectoryCopyOptions, around: Surroundings) {
    this.#options = options;
    this.#around = around;
    this.#key = { secret: options.secret, source: sourceOf(around.url) };
    this.#file = path.join(options.folder, `directory-${options.role}.copy`);
  }

  /** Milliseconds since the file was last known to be current; infinite without one. */
  ageMs(): number {
    return performance.now() - this.#provenAt;
  }

  /** The copy, or null when there is none that may be used; says why in one line. */
  async load(): Promise<LoadedCopy | null> {
    try {
      return await this.#load();
    } catch (error) {
      this.#around.logger.warn(
        { file: this.#file, reason: reasonOf(error) },
        'PostgreSQL is away, and the directory’s copy on disk is refused',
      );
      return null;
    }
  }

  /** What is in memory is current; `changed` when it differs from what was proven before. */
  noteProof({ changed }: { readonly changed: boolean }): void {
    if (changed || this.#provenAt === Number.NEGATIVE_INFINITY) this.#isDirty = true;
    if (this.#isDirty) this.#saveSoon();
    else if (performance.now() - this.#touchedAt > TOUCH_EVERY_MS) void this.#touch();
  }

  /** Writes what is not yet written. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#saving;
    if (this.#isDirty) await this.#save();
  }

  async #load(): Promise<LoadedCopy> {
    const { mtimeMs, size } = await stat(this.#file);
    if (size > COPY_BYTES_MAX) throw new CopyRefusal('it is too large');
    const ageMs = Math.max(0, Date.now() - mtimeMs);
    const hours = (ageMs / HOUR_MS).toFixed(1);
    if (ageMs > this.#options.maxAgeMs) throw new CopyRefusal(`it is ${hours} hours old`);
    const { header, texts } = readCopy(await readFile(this.#file), this.#key);
    const accounts = this.#understood(texts);
    this.#provenAt = performance.now() - ageMs;
    this.#around.logger.warn(
      { file: this.#file, sequence: header.sequence, accounts: accounts.length, hours },
      'PostgreSQL is away: working from the directory’s copy on disk',
    );
    return { accounts, ageMs };
  }

  /** Those that this release understands. @throws CopyRefusal when there were some, and none is */
  #understood(texts: readonly string[]): readonly AccountConfig[] {
    const parsed = texts.map((text) => accountConfigSchema.safeParse(JSON.parse(text)));
    const accounts = parsed.flatMap(({ data }) => (data === undefined ? [] : [data]));
    const lost = texts.length - accounts.length;
    if (lost > 0 && accounts.length === 0) throw new CopyRefusal('it is of another release');
    if (lost > 0)
      this.#around.logger.error({ lost }, 'accounts of the directory’s copy cannot be read');
    return accounts;
  }

  #saveSoon(): void {
    if (this.#timer || this.#saving) return;
    // The first copy at once: a process may be killed before it is a second old.
    const afterMs = this.#saveNotBefore === 0 ? 0 : SAVE_AFTER_MS;
    const waitMs = Math.max(afterMs, this.#saveNotBefore - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#saving = this.#save().finally(() => (this.#saving = undefined));
    }, waitMs);
    this.#timer.unref();
  }

  async #save(): Promise<void> {
    const { logger, accounts } = this.#around;
    const startedAt = performance.now();
    this.#isDirty = false;
    try {
      await this.#write(accounts());
      this.#touchedAt = performance.now();
      this.#provenAt = startedAt;
      if (this.#isFailing) logger.info('the directory’s copy on disk is current again');
      this.#isFailing = false;
    } catch (error) {
      this.#isDirty = true;
      if (!this.#isFailing)
        logger.warn({ err: error, file: this.#file }, 'the directory’s copy cannot be written');
      this.#isFailing = true;
    }
    const tookMs = performance.now() - startedAt;
    this.#saveNotBefore = performance.now() + Math.max(SAVE_EVERY_MS, SAVE_SHARE * tookMs);
  }

  async #write(accounts: readonly AccountConfig[]): Promise<void> {
    const half = `${this.#file}.${process.pid}.new`;
    await mkdir(this.#options.folder, { recursive: true, mode: 0o700 });
    await this.#removeHalves();
    this.#sequence = (this.#sequence ?? (await this.#lastSequence())) + 1;
    try {
      const handle = await open(half, 'w', 0o600);
      const filled = this.#fill(handle, { accounts, sequence: this.#sequence });
      await filled.then(() => handle.sync()).finally(() => handle.close());
      await rename(half, this.#file);
      await syncFolder(this.#options.folder);
    } catch (error) {
      await rm(half, { force: true });
      throw error;
    }
  }

  /** One account at a time, so that neither memory nor the event loop feels a large directory. */
  async #fill(
    handle: FileHandle,
    { accounts, sequence }: { accounts: readonly AccountConfig[]; sequence: number },
  ): Promise<void> {
    const { line, seal } = startCopy(this.#key, { sequence, accounts: accounts.length });
    let bytes = line.length;
    await handle.write(line);
    for (const [index, account] of accounts.entries()) {
      const sealed = seal(JSON.stringify(account), index);
      bytes += sealed.length;
      if (bytes > COPY_BYTES_MAX) throw new Error(`the copy would exceed ${COPY_BYTES_MAX} bytes`);
      await handle.write(sealed);
    }
  }

  async #lastSequence(): Promise<number> {
    try {
      return readHeader(await readFile(this.#file)).header.sequence;
    } catch {
      return 0;
    }
  }

  async #touch(): Promise<void> {
    const now = Date.now();
    const touchedAt = performance.now();
    this.#touchedAt = touchedAt;
    try {
      await utimes(this.#file, now / 1000, now / 1000);
      this.#provenAt = touchedAt;
    } catch {
      // Somebody has removed it.
      this.#isDirty = true;
    }
  }

  /** What processes that were killed left. */
  async #removeHalves(): Promise<void> {
    const prefix = `${path.basename(this.#file)}.`;
    for (const name of await readdir(this.#options.folder)) {
      const pid = Number(/^(\d+)\.new$/.exec(name.slice(prefix.length))?.[1]);
      if (!name.startsWith(prefix) || !(pid > 0) || isAlive(pid)) continue;
      await rm(path.join(this.#options.folder, name), { force: true });
    }
  }
}

/** The new name is on disk too. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
}

function reasonOf(error: unknown): string {
  if (error instanceof CopyRefusal) return error.message;
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'there is none';
  return error instanceof Error ? error.message : String(error);
}
