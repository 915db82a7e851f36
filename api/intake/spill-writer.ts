import { classifyDatabaseError } from '../../db/errors.ts';
import type { SpillRow, SpillStore } from '../../db/spill.ts';
import type { Logger } from '../../platform/logger.ts';
import { spillEvents } from '../metrics.ts';
import { Breaker } from './breaker.ts';

/** Rows, and characters of them, in one insert, and inserts at a time. */
const BATCH_ROWS = 500;
const BATCH_CHARS = 4_000_000;
const IN_FLIGHT = 2;
/** Rows that wait for an insert; further ones are refused. */
const MAX_WAITING = 10_000;
/** How soon a database that failed is tried again. */
const RETRY_MS = 500;

/** PostgreSQL has not taken the rows; when it broke off in the middle, it may have them all the same. */
export class SpillFailed extends Error {
  override readonly name = 'SpillFailed';
}

interface Waiting {
  readonly rows: readonly SpillRow[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Group commit: what comes while inserts are under way goes together with the next, so that one event waits for
 * one commit or two, and thousands a second cost few commits.
 */
export class SpillWriter {
  readonly #spill: SpillStore;
  readonly #logger: Logger;
  readonly #breaker: Breaker;
  #queue: Waiting[] = [];
  #waitingRows = 0;
  #inFlight = 0;

  constructor(spill: SpillStore, logger: Logger) {
    this.#spill = spill;
    this.#logger = logger;
    this.#breaker = new Breaker({ failures: 1, retryMs: RETRY_MS });
  }

  /** Whether a write has a chance. */
  get usable(): boolean {
    return this.#breaker.state !== 'open';
  }

  /** Resolves when all rows are on disk. @throws SpillFailed */
  async write(rows: readonly SpillRow[]): Promise<void> {
    if (!this.usable) throw new SpillFailed('PostgreSQL takes nothing now');
    if (this.#waitingRows + rows.length > MAX_WAITING) throw new SpillFailed('too many wait');
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    this.#queue.push({ rows, resolve: () => resolve(undefined), reject });
    this.#waitingRows += rows.length;
    this.#next();
    await promise;
    spillEvents.inc({ result: 'spilled' }, rows.length);
  }

  close(): void {
    this.#breaker.close();
  }

  #next(): void {
    while (this.#queue.length > 0 && this.#inFlight < IN_FLIGHT && this.#breaker.tryPass()) {
      this.#inFlight += 1;
      void this.#insert(this.#take());
    }
    if (!this.usable) this.#giveUp();
  }

  #take(): readonly Waiting[] {
    let count = 0;
    let rows = 0;
    let chars = 0;
    for (const waiting of this.#queue) {
      rows += waiting.rows.length;
      chars += waiting.rows.reduce((sum, { event }) => sum + event.length, 0);
      if (count > 0 && (rows > BATCH_ROWS || chars > BATCH_CHARS)) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #insert(batch: readonly Waiting[]): Promise<void> {
    const rows = batch.flatMap((waiting) => waiting.rows);
    this.#waitingRows -= rows.length;
    try {
      await this.#spill.insert(rows);
      this.#breaker.succeed();
      for (const { resolve } of batch) resolve();
    } catch (error) {
      if (classifyDatabaseError(error) === 'other') {
        this.#logger.error({ err: error }, 'the spill refused events');
      }
      this.#breaker.fail();
      const failure = new SpillFailed('PostgreSQL did not take it', { cause: error });
      for (const { reject } of batch) reject(failure);
    } finally {
      this.#inFlight -= 1;
      this.#next();
    }
  }

  /** Nobody waits for a database that is gone. */
  #giveUp(): void {
    const failure = new SpillFailed('PostgreSQL takes nothing now');
    for (const { reject } of this.#queue.splice(0)) reject(failure);
    this.#waitingRows = 0;
  }
}
