import { classifyDatabaseError, databaseReason } from '../../db/errors.ts';
import type { Logger } from '../../platform/logger.ts';

/** A database that restarts is no news; the watch on it has told that it is gone. */
const QUIET_MS = 10_000;
const AGAIN_MS = 60_000;

/** Says that nothing can be drained: after ten seconds, once a minute from then on, and once when it goes on. */
export class DrainTrouble {
  readonly #logger: Logger;
  readonly #now: () => number;
  #sinceMs: number | null = null;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(logger: Logger, now: () => number = () => performance.now()) {
    this.#logger = logger;
    this.#now = now;
  }

  failed(error: unknown): void {
    const now = this.#now();
    this.#sinceMs ??= now;
    const database = classifyDatabaseError(error);
    // What is our own mistake mends by no waiting.
    const quietMs = database === 'other' ? 0 : QUIET_MS;
    if (now - this.#sinceMs < quietMs || now - this.#toldMs < AGAIN_MS) return;
    this.#toldMs = now;
    const facts = { database, reason: databaseReason(error), seconds: this.#secondsTo(now) };
    if (database === 'other') this.#logger.error({ ...facts, err: error }, 'draining failed');
    else this.#logger.warn(facts, 'the spill cannot be drained');
  }

  succeeded(): void {
    const wasTold = this.#sinceMs !== null && this.#toldMs >= this.#sinceMs;
    if (wasTold)
      this.#logger.info({ seconds: this.#secondsTo(this.#now()) }, 'the spill is drained again');
    this.#sinceMs = null;
  }

  #secondsTo(now: number): number {
    return Math.round((now - (this.#sinceMs ?? now)) / 1000);
  }
}
