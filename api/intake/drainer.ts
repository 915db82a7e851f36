import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

import { classifyDatabaseError } from '../../db/errors.ts';
import type { SpillStore } from '../../db/spill.ts';
import type { Directory } from '../../domain/directory.ts';
import type { Logger } from '../../platform/logger.ts';
import { spillEvents } from '../metrics.ts';
import { nextUnits, type DrainUnit } from './drain-unit.ts';
import { CALL_DEADLINE_MS, EngineDown, type Engine } from './engine.ts';
import { Lease } from './lease.ts';
import { LoopLoad } from './loop-load.ts';
import { Remover } from './remover.ts';
import { RestingKeys } from './resting-keys.ts';

/** How often an idle drainer looks for events of other processes. */
const POLL_MS = 250;
/** How long one that is not the leader waits before it asks again. */
const FOLLOW_MS = 1000;
/** While the process is busy taking events in, it drains one in this time. */
const BUSY_MS = 250;
/** A call that was broken off may still be at work for so long. */
const STRAGGLER_MS = 1000;
/** This process's clock may be wrong by so much: more runs are looked through than need be. */
const CLOCK_ERROR_MS = 86_400_000;
/** Keys that are drained but still in the table, because PostgreSQL takes no change. */
const MAX_UNREMOVED = 5000;
const COUNT_MS = 2000;
/** Counting takes at most one part in so many of its own time. */
const COUNT_SHARE = 20;

export interface DrainerOptions {
  readonly spill: SpillStore;
  readonly engine: Engine;
  readonly directory: Directory & { readonly ready?: boolean };
  readonly logger: Logger;
}

/**
 * Brings what is in the spill to Temporal: answers, then the most severe first, each key in order, each event once.
 * Of all api processes one drains at a time; another takes over within seconds when it stops or stands still.
 */
export class Drainer {
  readonly #options: DrainerOptions;
  readonly #lease: Lease;
  readonly #resting = new RestingKeys();
  /** Keys whose rows are with Temporal, or were, and are not yet removed. */
  readonly #busy = new Set<string>();
  /** Unique, and says to an operator which process drains. */
  readonly #holder = `${hostname()}/${process.pid}/${randomUUID()}`;
  readonly #remover: Remover;
  readonly #load = new LoopLoad();
  #wake = Promise.withResolvers<undefined>();
  #closed = false;
  #running: Promise<void> | undefined;
  #countAtMs = 0;
  #sending = 0;
  #begunAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: DrainerOptions) {
    this.#options = options;
    this.#lease = new Lease(options.spill, this.#holder);
    this.#remover = new Remover(options.spill);
  }

  start(): void {
    this.#running = this.#run();
  }

  /** There is something new to drain, or room for it. */
  wake(): void {
    this.#wake.resolve(undefined);
  }

  /** Lets calls under way finish and hands the lease back. */
  async close(): Promise<void> {
    this.#closed = true;
    this.wake();
    await this.#running;
    this.#remover.close();
    await this.#lease.release();
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      const waitMs = await this.#round().catch((error: unknown) => {
        if (classifyDatabaseError(error) === 'other') {
          this.#options.logger.error({ err: error }, 'draining failed');
        }
        return FOLLOW_MS;
      });
      if (waitMs > 0) await this.#sleep(waitMs);
    }
    const limit = performance.now() + CALL_DEADLINE_MS + STRAGGLER_MS;
    while (this.#busy.size > 0 && performance.now() < limit) await this.#sleep(50);
  }

  async #sleep(ms: number): Promise<void> {
    this.#wake = Promise.withResolvers();
    const timer = setTimeout(() => this.wake(), ms);
    await this.#wake.promise;
    clearTimeout(timer);
  }

  /** Starts what may be started. Answers how long there is nothing more to do, unless it is woken. */
  async #round(): Promise<number> {
    const { spill, directory } = this.#options;
    if (directory.ready === false || !(await this.#lease.keep())) return FOLLOW_MS;
    await this.#count();
    const room = this.#room();
    if (room === 0 || this.#busy.size >= MAX_UNREMOVED) return POLL_MS;
    const rows = await spill.pick(room, [...this.#busy, ...this.#resting.keys()]);
    const units = nextUnits(rows, directory);
    if (units.length === 0) return POLL_MS;
    const claimed = await this.#claim(units);
    if (!claimed) return 0;
    for (const unit of claimed) this.#begin(unit);
    return units.length < room ? POLL_MS : 0;
  }

  /** Few at a time would cost as many questions to PostgreSQL as many. */
  #room(): number {
    const { room, limit } = this.#options.engine;
    if (!this.#load.saturated) {
      return this.#sending === 0 || room >= Math.ceil(limit / 2) ? room : 0;
    }
    const rested = performance.now() - this.#begunAtMs >= BUSY_MS;
    return this.#sending === 0 && rested ? Math.min(1, room) : 0;
  }

  /** Null: another process leads by now. While PostgreSQL is read-only nothing can be claimed, and all is asked for. */
  async #claim(units: readonly DrainUnit[]): Promise<readonly DrainUnit[] | null> {
    const fresh = units.filter(({ tried, batch }) => !tried && batch);
    if (fresh.length === 0) return units;
    const claims = fresh.flatMap(({ ids }) => {
      const claim = randomUUID();
      return ids.map((id) => ({ id, claim }));
    });
    try {
      return (await this.#options.spill.claim(this.#holder, claims)) ? units : null;
    } catch (error) {
      if (classifyDatabaseError(error) !== 'read_only') throw error;
      const agoMs = Number.POSITIVE_INFINITY;
      return units.map((unit) => ({ ...unit, tried: unit.tried ?? { claim: '', agoMs } }));
    }
  }

  #begin(unit: DrainUnit): void {
    this.#busy.add(unit.key);
    this.#sending += 1;
    this.#begunAtMs = performance.now();
    void this.#drain(unit).finally(() => {
      this.#busy.delete(unit.key);
      this.wake();
    });
  }

  /** Never rejects. */
  async #drain(unit: DrainUnit): Promise<void> {
    try {
      const result = await this.#store(unit).finally(() => this.#sent());
      spillEvents.inc({ result }, unit.ids.length);
      this.#resting.forget(unit.key);
      await this.#remover.remove(unit.ids);
    } catch (error) {
      await this.#failed(unit, error).catch(() => undefined);
    }
  }

  async #store({ batch, tried, key, ids }: DrainUnit): Promise<'drained' | 'dropped'> {
    const { engine, logger } = this.#options;
    if (!batch) {
      logger.warn({ key, events: ids.length }, 'events for a service that is gone dropped');
      return 'dropped';
    }
    if (tried) {
      if (tried.agoMs < CALL_DEADLINE_MS + STRAGGLER_MS) throw new EngineDown('no_answer');
      const { agoMs } = tried;
      const sinceMs = Number.isFinite(agoMs) ? Date.now() - agoMs - CLOCK_ERROR_MS : 0;
      const { eventId } = batch[0].event;
      if (await engine.hasArrived({ workflowId: key, eventId, sinceMs })) return 'drained';
    }
    if (!this.#lease.holds) throw new EngineDown('away');
    return (await engine.send(batch)) === 'stored' ? 'drained' : 'dropped';
  }

  #sent(): void {
    this.#sending -= 1;
    this.wake();
  }

  async #failed({ key, ids }: DrainUnit, error: unknown): Promise<void> {
    if (error instanceof EngineDown) {
      this.#resting.waitForEngine(key);
      return;
    }
    const { logger, spill, engine } = this.#options;
    if (this.#resting.refused(key, engine.lastSuccessAt) === 'again') {
      logger.warn({ err: error, key }, 'spilled events refused by Temporal, trying again');
      return;
    }
    logger.error({ err: error, key, events: ids.length }, 'spilled events set aside');
    await spill.park(ids, error instanceof Error ? error.message : String(error));
    this.#resting.forget(key);
    spillEvents.inc({ result: 'parked' }, ids.length);
  }

  async #count(): Promise<void> {
    const startedAt = performance.now();
    if (startedAt < this.#countAtMs) return;
    // Nothing hangs on it: while it fails the last count stays.
    await this.#options.spill.count().catch(() => undefined);
    const endedAt = performance.now();
    this.#countAtMs = endedAt + Math.max(COUNT_MS, COUNT_SHARE * (endedAt - startedAt));
  }
}
