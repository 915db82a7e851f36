import type { SpillLook, SpillStore } from '../../db/spill.ts';
import { spillBytes, spillOldest, spillParked, spillWaiting } from '../metrics.ts';

/** A look that takes longer tells nothing; then nobody waits for the next one until one has worked. */
const LOOK_LIMIT_MS = 150;
/** How often this process looks by itself, while there is a backlog or the last look failed, and otherwise. */
const BUSY_POLL_MS = 100;
const IDLE_POLL_MS = 1000;
/** Keys of its own rows that a process remembers in case PostgreSQL goes; beyond it all keys count as known. */
const REMEMBERED = 100_000;
/** Of them those that one look of the poll asks about. */
const ASKED = 100;
/** Rows younger than this may be missing on a standby to which the address of PostgreSQL leads. */
export const STANDBY_LAG_MS = 5000;

/**
 * What this process knows of the events in the spill. An event may overtake the spill only when a look that
 * began after its arrival found neither a backlog nor events of its key: whatever was answered 202 before, by
 * any process, is then in Temporal.
 */
export class Backlog {
  readonly #spill: SpillStore;
  /** When this process last wrote events of the key, as far as they may not have been drained yet. */
  readonly #ownKeys = new Map<string, number>();
  /** When such a key was not remembered, because there were too many; null: there is none. */
  #forgottenAt: number | null = null;
  #last: SpillLook | undefined;
  #usable = true;
  /** Some of this process's own rows, due at once, may still be there. */
  #own = false;
  #writing = 0;
  #writes = 0;
  #running: Promise<unknown> | undefined;
  #next: { readonly keys: Set<string>; readonly look: Promise<SpillLook | null> } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(spill: SpillStore) {
    this.#spill = spill;
    this.#poll();
  }

  /** What the last look that worked has found. */
  get last(): SpillLook | undefined {
    return this.#last;
  }

  /** Whether the last look worked. */
  get usable(): boolean {
    return this.#usable;
  }

  /** `unknown`: PostgreSQL does not say. */
  async mayPass(key: string): Promise<'pass' | 'wait' | 'unknown'> {
    if (this.#own) return 'wait';
    if (!this.#usable) return 'unknown';
    const found = await this.#lookSoon(key);
    if (!found) return 'unknown';
    return found.backlog || found.pending.has(key) ? 'wait' : 'pass';
  }

  /**
   * Milliseconds since this process last put events of this key there that may not have been drained yet;
   * infinite when it has not.
   */
  spilledAgoMs(key: string): number {
    const writtenAt = this.#ownKeys.get(key);
    if (writtenAt !== undefined) return performance.now() - writtenAt;
    return this.#forgottenAt === null ? Number.POSITIVE_INFINITY : 0;
  }

  /** Runs a write of this key's events. `due`: they do not wait for their key's storm. */
  async write(key: string, due: boolean, work: () => Promise<void>): Promise<void> {
    const one = due ? 1 : 0;
    this.#writing += one;
    try {
      await work();
      this.#remember(key);
      if (due) this.#own = true;
    } finally {
      this.#writing -= one;
      this.#writes += one;
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** At the end: those that were written longest ago are asked about first. */
  #remember(key: string): void {
    this.#ownKeys.delete(key);
    if (this.#ownKeys.size < REMEMBERED) this.#ownKeys.set(key, performance.now());
    else this.#forgottenAt = performance.now();
  }

  /** One look at a time; whoever asks meanwhile shares the next one, because this one may be too old. */
  #lookSoon(key: string): Promise<SpillLook | null> {
    if (this.#next) {
      this.#next.keys.add(key);
      return this.#next.look;
    }
    const keys = new Set([key]);
    const look = this.#lookAfter(this.#running, keys);
    this.#next = { keys, look };
    return look;
  }

  async #lookAfter(
    before: Promise<unknown> | undefined,
    keys: ReadonlySet<string>,
  ): Promise<SpillLook | null> {
    await before;
    this.#next = undefined;
    const look = this.#look([...keys]);
    this.#running = look;
    return look;
  }

  /** Never rejects. */
  async #look(keys: readonly string[]): Promise<SpillLook | null> {
    const writes = this.#writes;
    const quiet = this.#writing === 0;
    const askedAt = performance.now();
    try {
      const found = await this.#spill.look(keys, LOOK_LIMIT_MS);
      this.#last = found;
      show(found);
      this.#usable = true;
      if (!found.backlog && quiet && this.#writing === 0 && this.#writes === writes)
        this.#own = false;
      const knownBy = found.standby ? askedAt - STANDBY_LAG_MS : askedAt;
      if (found.empty) this.#forgetAll(knownBy);
      else this.#forget(keys, found, knownBy);
      return found;
    } catch {
      this.#usable = false;
      return null;
    } finally {
      this.#running = undefined;
    }
  }

  /** What was written before. */
  #forgetAll(knownBy: number): void {
    for (const [key, writtenAt] of this.#ownKeys)
      if (writtenAt < knownBy) this.#ownKeys.delete(key);
    if (this.#forgottenAt !== null && this.#forgottenAt < knownBy) this.#forgottenAt = null;
  }

  /** Of what was written before, the keys that have no rows; the others have their turn again later. */
  #forget(keys: readonly string[], { pending }: SpillLook, knownBy: number): void {
    for (const key of keys) {
      const writtenAt = this.#ownKeys.get(key);
      if (writtenAt === undefined || writtenAt >= knownBy) continue;
      this.#ownKeys.delete(key);
      if (pending.has(key)) this.#ownKeys.set(key, writtenAt);
    }
  }

  #oldestKeys(): readonly string[] {
    const oldest: string[] = [];
    for (const key of this.#ownKeys.keys()) {
      if (oldest.length >= ASKED) break;
      oldest.push(key);
    }
    return oldest;
  }

  #poll(): void {
    if (this.#closed) return;
    const busy = this.#own || !this.#usable;
    this.#timer = setTimeout(
      () => void this.#look(this.#oldestKeys()).then(() => this.#poll()),
      busy ? BUSY_POLL_MS : IDLE_POLL_MS,
    );
    this.#timer.unref();
  }
}

function show({ rows, bytes, parked, oldestMs }: SpillLook): void {
  spillWaiting.set(rows);
  spillBytes.set(bytes);
  spillParked.set(parked);
  spillOldest.set(oldestMs / 1000);
}
