import { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

import pg from 'pg';

import type { Logger } from '../platform/logger.ts';
import { DatabaseUnavailableError } from './errors.ts';

const EVERY_MS = 500;
/** With `EVERY_MS` the longest that a server which hangs goes unnoticed: 2 s. */
const ANSWER_MS = 1500;
/** A timer that fires later than this tells of a process that stood still, not of a silent server. */
const STALL_MS = 250;
const STALLS_FORGIVEN = 3;
/** Time for work whose connection was cut to fail by itself. */
const CUT_MS = 50;
/** The server says nothing of a full disk but by refusing writes: after one, this long. */
const DISK_FULL_MS = 5000;

const PROBE = `select pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' as read_only`;

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
  /** Called after each change but the first; `unavailable` wants every connection cut. */
  readonly onChange: (mode: DatabaseMode) => void;
}

/**
 * Looks at the server twice a second on a connection of its own: so that one which
 * hangs costs a request 2 s at most and the next ones nothing, and one that was demoted is left behind. Where
 * it is not the primary it connects anew for each look, because the address may have moved on.
 */
export class ServerWatch {
  readonly #options: pg.ClientConfig;
  readonly #logger: Logger;
  readonly #onChange: (mode: DatabaseMode) => void;
  readonly #waiting = new Set<(error: Error) => void>();
  readonly #hoping = new Set<() => void>();
  #probe: Probe | undefined;
  #mode: DatabaseMode = 'unknown';
  #reason: unknown;
  #outage: Outage | null = null;
  #answeredAt = 0;
  #diskFullUntil = 0;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(options: pg.ClientConfig, { logger, onChange }: ServerWatchOptions) {
    this.#options = options;
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
    this.#probe?.cut();
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
    const probe = (this.#probe ??= new Probe(this.#options, () => this.noteFailure(undefined)));
    try {
      const readOnly = await within(probe.isReadOnly(), ANSWER_MS);
      if (readOnly) this.#drop(probe);
      this.#become(readOnly ? 'read_only' : 'writable');
    } catch (error) {
      this.#drop(probe);
      // A lost connection is one thing, a lost server another.
      if (this.#closed || this.#answeredAt > askedAt) return;
      this.#reason = error;
      this.#become('unavailable');
    }
  }

  #drop(probe: Probe): void {
    probe.cut();
    this.#probe = undefined;
  }

  #become(mode: DatabaseMode): void {
    const before = this.#mode;
    if (mode === before || this.#closed) return;
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

/** One connection that only asks how the server is. */
class Probe {
  readonly #client: pg.Client;
  readonly #sockets = socketMaker();
  #connected: Promise<unknown> | undefined;

  constructor(options: pg.ClientConfig, onLost: () => void) {
    this.#client = new pg.Client({ ...options, stream: this.#sockets.make });
    this.#client.on('error', onLost);
  }

  async isReadOnly(): Promise<boolean> {
    this.#connected ??= this.#client.connect();
    await this.#connected;
    const { rows } = await this.#client.query<{ read_only: boolean }>(PROBE);
    return rows[0]?.read_only ?? false;
  }

  cut(): void {
    this.#client.removeAllListeners('error').on('error', () => undefined);
    this.#sockets.cutAll();
  }
}

/** Sockets for the driver that can be cut: its own `end` waits for a server that may never answer. */
export function socketMaker(): { readonly make: () => Socket; readonly cutAll: () => void } {
  const open = new Set<Socket>();
  return {
    make: () => {
      const socket = new Socket();
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      return socket;
    },
    cutAll: () => {
      for (const socket of open) socket.destroy();
    },
  };
}

/** @throws Error after `limitMs`, but not because this process itself stood still. */
async function within<T>(work: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_resolve, reject) => {
    const arm = (stallsLeft: number): void => {
      const due = performance.now() + limitMs;
      timer = setTimeout(() => {
        const stalled = performance.now() - due > STALL_MS && stallsLeft > 0;
        // What has arrived meanwhile is read before timers count again.
        if (stalled) arm(stallsLeft - 1);
        else void nextTurn().then(() => reject(new Error(`no answer within ${limitMs} ms`)));
      }, limitMs);
    };
    arm(STALLS_FORGIVEN);
  });
  try {
    return await Promise.race([work, silence]);
  } finally {
    clearTimeout(timer);
  }
}
