import type pg from 'pg';

import type { Logger } from '../platform/logger.ts';
import { DatabaseUnavailableError } from './errors.ts';
import { ServerProbe } from './server-probe.ts';

/** With the probe's 1.5 s the longest that a server which hangs goes unnoticed: 2 s. */
const EVERY_MS = 500;
/** Time for work whose connection was cut to fail by itself. */
const CUT_MS = 50;
/** The server says nothing of a full disk but by refusing writes: after one, this long. */
const DISK_FULL_MS = 5000;

/** `unknown` until the first look. `read_only`: a standby, an operator's freeze or a full disk. */
export type DatabaseMode = 'unknown' | 'writable' | 'read_only' | 'unavailable';

/** A time without writes, in milliseconds since 1970. */
export interface Outage {
  /** Null: it had begun before the first look. */
  readonly startedAt: number | null;
  /** Null: it lasts. */
  readonly endedAt: number | null;
}

export interface ServerWatchOptions {
  readonly logger: Logger;
  /**
   * Called after each change but the first, and when the address leads to another server;
   * `unavailable` wants every connection cut.
   */
  readonly onChange: (mode: DatabaseMode) => void;
}

/**
 * Looks at the server twice a second on connections of its own: so that one which hangs costs a request 2 s at
 * most and the next ones nothing, and one to which the address no longer leads is left behind.
 */
export class ServerWatch {
  readonly #logger: Logger;
  readonly #onChange: (mode: DatabaseMode) => void;
  readonly #waiting = new Set<(error: Error) => void>();
  readonly #hoping = new Set<() => void>();
  readonly #probe: ServerProbe;
  #mode: DatabaseMode = 'unknown';
  #server: string | undefined;
  #reason: unknown;
  #outage: Outage | null = null;
  #answeredAt = 0;
  #diskFullUntil = 0;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(options: pg.ClientConfig, { logger, onChange }: ServerWatchOptions) {
    this.#probe = new ServerProbe(options, () => this.noteFailure(undefined));
    this.#logger = logger;
    this.#onChange = onChange;
  }

  start(): void {
    void this.#look();
  }

  get mode(): DatabaseMode {
    return performance.now() < this.#diskFullUntil ? 'read_only' : this.#mode;
  }

  /** The latest. */
  get outage(): Outage | null {
    return this.#outage;
  }

  /**
   * Runs `work`, unless the server is known not to answer, and gives it up when that is found out meanwhile.
   * @throws DatabaseUnavailableError at once in both cases, else what `work` throws.
   */
  guard<T>(work: () => Promise<T>): Promise<T> {
    if (this.#mode === 'unavailable') return Promise.reject(this.#unavailable());
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      const done = (): boolean => this.#waiting.delete(reject);
      void work().then(resolve, reject).then(done);
    });
  }

  /** Whether the server takes writes, or may, within `limitMs`. */
  async untilWritable(limitMs: number): Promise<boolean> {
    const until = performance.now() + limitMs;
    while (this.mode === 'read_only' || this.mode === 'unavailable') {
      const leftMs = until - performance.now();
      if (leftMs <= 0 || this.#closed) return false;
      await this.#changedWithin(Math.min(leftMs, EVERY_MS));
    }
    return true;
  }

  /** Some statement was answered: whatever the probe waits for, the server lives. */
  noteAnswer(): void {
    this.#answeredAt = performance.now();
  }

  /** Some statement failed for want of the server: look at once. */
  noteFailure(error: unknown): void {
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
    if (code === '53100') this.#diskFullUntil = performance.now() + DISK_FULL_MS;
    if (!this.#closed) void this.#look();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const wake of this.#hoping) wake();
    this.#probe.cut();
    await this.#running;
  }

  #look(): Promise<void> {
    clearTimeout(this.#timer);
    this.#running ??= this.#lookOnce().finally(() => {
      this.#running = undefined;
      if (this.#closed) return;
      this.#timer = setTimeout(() => void this.#look(), EVERY_MS);
      this.#timer.unref();
    });
    return this.#running;
  }

  async #lookOnce(): Promise<void> {
    const askedAt = performance.now();
    try {
      const { readOnly, server } = await this.#probe.look();
      const moved = this.#server !== undefined && this.#server !== server;
      this.#server = server;
      this.#become(readOnly ? 'read_only' : 'writable', moved);
    } catch (error) {
      // A lost connection is one thing, a lost server another.
      if (this.#closed || this.#answeredAt > askedAt) return;
      this.#reason = error;
      this.#become('unavailable');
    }
  }

  #become(mode: DatabaseMode, moved = false): void {
    const before = this.#mode;
    if (this.#closed) return;
    if (mode === before) {
      if (moved) this.#onChange(mode);
      return;
    }
    this.#mode = mode;
    this.#outage = outageAfter(this.#outage, before, mode);
    this.#tell(before, mode);
    if (before !== 'unknown' || mode === 'unavailable') this.#onChange(mode);
    if (mode === 'unavailable') this.#giveUp();
    for (const wake of this.#hoping) wake();
  }

  /** Whoever used a connection that was cut knows more of how it ended, and tells it first. */
  #giveUp(): void {
    const lost = [...this.#waiting];
    const error = this.#unavailable();
    setTimeout(() => {
      for (const reject of lost) reject(error);
    }, CUT_MS);
  }

  #tell(before: DatabaseMode, mode: DatabaseMode): void {
    if (mode === 'unavailable') {
      this.#logger.warn({ err: this.#reason }, 'PostgreSQL does not answer; working without it');
    } else if (mode === 'read_only') {
      this.#logger.warn('PostgreSQL is read-only; changes are refused and projections wait');
    } else if (before !== 'unknown') {
      this.#logger.info({ before }, 'PostgreSQL takes writes again');
    }
  }

  #unavailable(): DatabaseUnavailableError {
    return new DatabaseUnavailableError('PostgreSQL does not answer', { cause: this.#reason });
  }

  #changedWithin(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#hoping.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#hoping.add(wake);
    });
  }
}

function outageAfter(last: Outage | null, before: DatabaseMode, mode: DatabaseMode): Outage | null {
  if (mode === 'writable') return last && { ...last, endedAt: last.endedAt ?? Date.now() };
  if (before === 'unknown') return { startedAt: null, endedAt: null };
  return before === 'writable' ? { startedAt: Date.now(), endedAt: null } : last;
}
