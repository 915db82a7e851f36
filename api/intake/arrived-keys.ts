import type { SpillStore } from '../../db/spill.ts';
import type { AlertEvent } from '../../domain/event.ts';
import type { Engine } from './engine.ts';

/** Keys remembered, so that a history is read once; beyond it all are forgotten. */
const REMEMBERED = 10_000;

export interface ArrivedKeysOptions {
  readonly spill: SpillStore;
  readonly engine: Pick<Engine, 'hasArrived'>;
  /** Whether this process has drained the row. */
  readonly isDrained: (id: number) => boolean;
}

/**
 * Tells of keys with rows in a spill that takes no change whether Temporal has all of them already: a key is
 * drained in order, so that the last row tells. Whoever drained it knows; the others read the incident's history.
 */
export class ArrivedKeys {
  readonly #options: ArrivedKeysOptions;
  /** The last row of a key that is known to have arrived. */
  readonly #lastIds = new Map<string, number>();

  constructor(options: ArrivedKeysOptions) {
    this.#options = options;
  }

  /** False also where nobody can tell. */
  async has(key: string): Promise<boolean> {
    const { spill, isDrained } = this.#options;
    const last = await spill.last(key).catch(() => undefined);
    if (last === undefined) return false;
    if (last === null || isDrained(last.id) || this.#lastIds.get(key) === last.id) return true;
    if (!(await this.#isInHistory(key, last.event))) return false;
    if (this.#lastIds.size >= REMEMBERED) this.#lastIds.clear();
    this.#lastIds.set(key, last.id);
    return true;
  }

  #isInHistory(workflowId: string, json: string): Promise<boolean> {
    // Written by `toRow` only.
    const { eventId, receivedAt } = JSON.parse(json) as AlertEvent;
    const tried = { workflowId, eventId, receivedAt, sinceMs: 0 };
    return this.#options.engine.hasArrived(tried).catch(() => false);
  }
}
