import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

import { classifyDatabaseError } from '../../db/errors.ts';
import type { SpilledRow, SpillStore } from '../../db/spill.ts';
import type { Directory } from '../../domain/directory.ts';
import type { Logger } from '../../platform/logger.ts';
import { spillEvents } from '../metrics.ts';
import { DrainTrouble } from './drain-trouble.ts';
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
/** Accounts of which is remembered when they had their last turn. */
const MAX_SERVED = 1000;
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
  /** Keys of which rows are on their way to Temporal, or out of the table. */
  readonly #busy = new Set<string>();
  /** Units that were tried and could not be claimed: by the id of their first row, how many rows they have. */
  readonly #unclaimed = new Map<number, number>();
  /** Keys of which nothing is left to drain, though rows of them are still there: PostgreSQL takes no change. */
  readonly #drained = new Set<string>();
  /** Accounts that had a turn, the last one last. */
  readonly #served = new Set<string>();
  /** Unique, and says to an operator which process drains. */
  readonly #holder = `${hostname()}/${process.pid}/${randomUUID()}`;
  readonly #remover: Remover;
  readonly #trouble: DrainTrouble;
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
    this.#remover = new Remover(options.spill, () => this.#drained.clear());
    this.#trouble = new DrainTrouble(options.logger);
  }

  start(): void {
    this.#running = this.#run();
  }

  /** There is something new to drain, or room for it. */
  wake(): void {
    this.#wake.resolve(undefined);
  }

  /** Whether the row is drained, though PostgreSQL does not let it go. */
  hasDrained(id: number): boolean {
    return this.#remover.keeps(id);
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
      const waitMs = await this.#roundOrTrouble();
      if (waitMs > 0) await this.#sleep(waitMs);
    }
    const limit = performance.now() + CALL_DEADLINE_MS + STRAGGLER_MS;
    while (this.#busy.size > 0 && performance.now() < limit) await this.#sleep(50);
  }

  async #roundOrTrouble(): Promise<number> {
    try {
      const waitMs = await this.#round();
      this.#trouble.succeeded();
      return waitMs;
    } catch (error) {
      this.#trouble.failed(error);
      return FOLLOW_MS;
    }
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
    if (room === 0 || this.#busy.size + this.#drained.size >= MAX_UNREMOVED) return POLL_MS;
    const skip = [...this.#busy, ...this.#drained, ...this.#resting.keys()];
    const rows = await spill.pick(room, skip, [...this.#served]);
    const units = nextUnits(this.#left(rows), directory).map((unit) => this.#remembered(unit));
    if (units.length === 0) return rows.length > 0 ? 0 : POLL_MS;
    const claimed = await this.#claim(units);
    if (!claimed) return 0;
    for (const { accountId } of rows) this.#serve(accountId);
    for (const unit of claimed) this.#begin(unit);
    return units.length < room ? POLL_MS : 0;
  }

  /** Where few may be sent at a time, an account that floods the spill would have every turn otherwise. */
  #serve(accountId: string): void {
    this.#served.delete(accountId);
    this.#served.add(accountId);
    const [oldest] = this.#served;
    if (oldest !== undefined && this.#served.size > MAX_SERVED) this.#served.delete(oldest);
  }

  /** What is not with Temporal yet. Keys of which nothing is left are not picked again. */
  #left(rows: readonly SpilledRow[]): readonly SpilledRow[] {
    const left = rows.filter(({ id }) => !this.#remover.keeps(id));
    for (const { key } of rows) this.#drained.add(key);
    for (const { key } of left) this.#drained.delete(key);
    return left;
  }

  /**
   * Few at a time would cost as many questions to PostgreSQL as many. Senders that wait for a place, as they all do
   * while PostgreSQL is read-only, take none away: what was promised before would never have its turn.
   */
  #room(): number {
    const { places, limit } = this.#options.engine;
    const room = Math.max(0, places - this.#sending);
    if (!this.#load.saturated) {
      return this.#sending === 0 || room >= Math.ceil(limit / 2) ? room : 0;
    }
    const rested = performance.now() - this.#begunAtMs >= BUSY_MS;
    return this.#sending === 0 && rested ? Math.min(1, room) : 0;
  }

  /** What was tried together while nothing could be claimed stays together, as what is claimed does. */
  #remembered(unit: DrainUnit): DrainUnit {
    const size = this.#unclaimed.get(unit.ids[0] ?? 0);
    if (size === undefined || !unit.batch) return unit;
    const [head, ...rest] = unit.batch;
    return {
      key: unit.key,
      ids: unit.ids.slice(0, size),
      batch: [head, ...rest.slice(0, size - 1)],
      tried: { claim: '', agoMs: Number.POSITIVE_INFINITY },
    };
  }

  /**
   * Null: another process leads by now. While PostgreSQL is read-only nothing can be claimed; then this process, which
   * nobody can take the lead from, remembers by itself what it tries.
   */
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
      for (const { ids } of fresh) this.#unclaimed.set(ids[0] ?? 0, ids.length);
      return units;
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
      this.#unclaimed.delete(unit.ids[0] ?? 0);
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
    return (await engine.sendFirst(batch)) === 'stored' ? 'drained' : 'dropped';
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
