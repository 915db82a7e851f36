import { randomUUID } from 'node:crypto';

import type { SpillStore } from '../../db/spill.ts';
import type { Logger } from '../../platform/logger.ts';
import { workflowIdOfEvent } from '../../temporal-config/incident-start.ts';
import { ArrivedKeys } from './arrived-keys.ts';
import { Backlog, STANDBY_LAG_MS } from './backlog.ts';
import { EngineDown, type Batch, type Engine } from './engine.ts';
import { HotKeys, STORM_INTERVAL_MS } from './hot-keys.ts';
import { batchLength } from './incident-signal.ts';
import { Lanes } from './lanes.ts';
import { IntakeRefusal, type IntakeSink, type IntakeStatus, type RoutedEvent } from './sink.ts';
import { toRow } from './spill-row.ts';
import { SpillFailed, SpillWriter } from './spill-writer.ts';

/** Events that wait behind others of their keys, over all keys. */
const MAX_WAITING_EVENTS = 10_000;
/** Events of one post that are on their way at once. */
const POST_CONCURRENCY = 100;
const RETRY_AFTER_SEC = { unavailable: 5, overloaded: 2 } as const;

/** The table and its bounds. */
export interface SpillSettings {
  readonly store: SpillStore;
  readonly maxRows: number;
  readonly maxBytes: number;
  /** Called when events have come in that may be drained at once. */
  readonly onSpilled: () => void;
  /** Whether this process has drained the row. */
  readonly isDrained: (id: number) => boolean;
}

export interface SpillingSinkOptions {
  readonly engine: Engine;
  readonly logger: Logger;
  /** Null: there is no PostgreSQL to spill to. */
  readonly spill: SpillSettings | null;
}

type Stored = 'stored' | 'spilled';

interface OpenSpill extends SpillSettings {
  readonly writer: SpillWriter;
  readonly backlog: Backlog;
  readonly arrived: ArrivedKeys;
}

/**
 * Stores events of each key in the order in which they came: in Temporal while it keeps up, else in the spill.
 * Once there is a backlog in the spill everything goes behind it, so that the most severe is drained first.
 */
export class SpillingSink implements IntakeSink {
  readonly #engine: Engine;
  readonly #logger: Logger;
  readonly #spill: OpenSpill | null;
  readonly #hot = new HotKeys();
  readonly #lanes: Lanes<RoutedEvent, Stored>;

  constructor({ engine, logger, spill }: SpillingSinkOptions) {
    this.#engine = engine;
    this.#logger = logger;
    this.#spill = spill && {
      ...spill,
      writer: new SpillWriter(spill.store, logger),
      backlog: new Backlog(spill.store),
      arrived: new ArrivedKeys({ engine, spill: spill.store, isDrained: spill.isDrained }),
    };
    this.#lanes = new Lanes({
      take: batchLength,
      send: (batch, key) => this.#store(batch, key),
      maxWaiting: MAX_WAITING_EVENTS,
    });
  }

  async accept(events: readonly RoutedEvent[]): Promise<Stored> {
    const rest = [...events];
    let result: Stored = 'stored';
    const next = async (): Promise<void> => {
      for (let routed = rest.shift(); routed; routed = rest.shift()) {
        const stored = await this.#lanes.push(workflowIdOfEvent(routed), routed);
        if (stored === 'spilled') result = stored;
      }
    };
    const workers = Array.from({ length: Math.min(POST_CONCURRENCY, events.length) }, next);
    await Promise.all(workers);
    return result;
  }

  status(): IntakeStatus {
    const spill = this.#spill;
    const last = spill?.backlog.last;
    return {
      engine: this.#engine.state,
      spill: spill && {
        usable: spill.backlog.usable && spill.writer.usable,
        waiting: last?.rows ?? 0,
        oldestSec: Math.round((last?.oldestMs ?? 0) / 1000),
        parked: last?.parked ?? 0,
      },
    };
  }

  close(): void {
    this.#spill?.writer.close();
    this.#spill?.backlog.close();
  }

  async #store(batch: Batch, key: string): Promise<Stored> {
    const delayMs = this.#hot.isHot(key) ? STORM_INTERVAL_MS : 0;
    const direct = (await this.#mayGoDirect(key, delayMs > 0))
      ? await this.#send(batch, () => this.#engine.send(batch))
      : 'no_room';
    if (direct === 'stored') return direct;
    const tried = direct === 'no_answer';
    if (await this.#write(key, batch, { delayMs, claim: tried ? randomUUID() : null }))
      return 'spilled';
    const last = tried ? direct : await this.#sendWithoutSpill(key, batch);
    if (last === 'stored') return last;
    const reason = last === 'no_room' ? 'overloaded' : 'unavailable';
    throw new IntakeRefusal(reason, RETRY_AFTER_SEC[reason]);
  }

  async #mayGoDirect(key: string, hot: boolean): Promise<boolean> {
    if (this.#engine.room === 0) return false;
    const may = (await this.#spill?.backlog.mayPass(key)) ?? 'unknown';
    return may === 'unknown' || (may === 'pass' && !hot);
  }

  async #send(
    batch: Batch,
    send: () => Promise<'stored' | 'dropped'>,
  ): Promise<'stored' | EngineDown['reason']> {
    try {
      const result = await send();
      if (result === 'dropped') this.#tellDropped(batch);
      return 'stored';
    } catch (error) {
      if (error instanceof EngineDown) return error.reason;
      // Whatever the engine refuses is a fault on our side: the sender keeps the event and comes back.
      this.#logger.error({ err: error }, 'event refused by Temporal');
      throw new IntakeRefusal('unavailable', RETRY_AFTER_SEC.unavailable, error);
    }
  }

  #tellDropped(batch: Batch): void {
    const [{ event }] = batch;
    const workflowId = workflowIdOfEvent(batch[0]);
    this.#logger.info({ workflowId, action: event.action }, 'event for nothing open dropped');
  }

  /** False: the spill does not take it. */
  async #write(
    key: string,
    batch: Batch,
    options: { readonly delayMs: number; readonly claim: string | null },
  ): Promise<boolean> {
    const spill = this.#spill;
    if (!spill || this.#isFull(spill)) return false;
    const rows = batch.map((routed) => toRow(key, routed, options));
    try {
      const due = options.delayMs === 0;
      await spill.backlog.write(key, due, () => spill.writer.write(rows));
      if (due) spill.onSpilled();
      return true;
    } catch (error) {
      if (error instanceof SpillFailed) return false;
      throw error;
    }
  }

  #isFull({ backlog, maxRows, maxBytes }: OpenSpill): boolean {
    const { rows, bytes } = backlog.last ?? { rows: 0, bytes: 0 };
    return rows >= maxRows || bytes >= maxBytes;
  }

  /** The last way in: Temporal, waiting for a place. Not for what would come before earlier events of its key. */
  async #sendWithoutSpill(key: string, batch: Batch): Promise<'stored' | EngineDown['reason']> {
    if (!(await this.#mayOvertake(key))) return 'away';
    return this.#send(batch, () => this.#engine.sendInTurn(batch));
  }

  /** Whether nothing of the key waits in the spill, or only rows that Temporal has and PostgreSQL does not let go. */
  async #mayOvertake(key: string): Promise<boolean> {
    const agoMs = this.#spill?.backlog.spilledAgoMs(key) ?? Number.POSITIVE_INFINITY;
    if (!this.#spill || agoMs === Number.POSITIVE_INFINITY) return true;
    const { backlog, arrived } = this.#spill;
    return backlog.usable && agoMs > STANDBY_LAG_MS && (await arrived.has(key));
  }
}
