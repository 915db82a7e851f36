import type { SpillLook, SpillStore } from '../../db/spill.ts';
import { spillBytes, spillOldest, spillParked, spillWaiting } from '../metrics.ts';

/** A look that takes longer tells nothing; then nobody waits for the next one until one has worked. */
const LOOK_LIMIT_MS = 150;
/** How often this process looks by itself, while there is a backlog or the last look failed, and otherwise. */
const BUSY_POLL_MS = 100;
const IDLE_POLL_MS = 1000;
/** Keys of its own rows that a process remembers in case PostgreSQL goes; beyond it all keys count as known. */
const REMEMBERED = 100_000;

/**
 * What this process knows of the events in the spill. An event may overtake the spill only when a look that
 * began after its arrival found neither a backlog nor events of its key: whatever was answered 202 before, by
 * any process, is then in Temporal.
 */
export class Backlog {
  readonly #spill: SpillStore;
  readonly #ownKeys = new Set<string>();
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

  /** Whether this process has put events of this key there that may not have been drained yet. */
  hasSpilled(key: string): boolean {
    return this.#ownKeys.has(key) || this.#ownKeys.size >= REMEMBERED;
  }

  /** Runs a write of this key's events. `due`: they do not wait for their key's storm. */
  async write(key: string, due: boolean, work: () => Promise<void>): Promise<void> {
    const one = due ? 1 : 0;
    this.#writing += one;
    try {
      await work();
      if (this.#ownKeys.size < REMEMBERED) this.#ownKeys.add(key);
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
    try {
      const found = await this.#spill.look(keys, LOOK_LIMIT_MS);
      this.#last = found;
      show(found);
      this.#usable = true;
      if (!found.backlog && quiet && this.#writing === 0 && this.#writes === writes) {
        this.#own = false;
        if (found.empty) this.#ownKeys.clear();
      }
      return found;
    } catch {
      this.#usable = false;
      return null;
    } finally {
      this.#running = undefined;
    }
  }

  #poll(): void {
    if (this.#closed) return;
    const busy = this.#own || !this.#usable;
    this.#timer = setTimeout(
      () => void this.#look([]).then(() => this.#poll()),
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
