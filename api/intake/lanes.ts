import { IntakeRefusal } from './sink.ts';

export interface LanesOptions<T> {
  /** How many of the waiting items, from the first, go into the next call; at least 1. */
  readonly take: (waiting: readonly T[]) => number;
  /** Stores one batch of one key. */
  readonly send: (batch: readonly T[]) => Promise<void>;
  /** Items that wait, over all keys, at most; a further one is refused. */
  readonly maxWaiting: number;
}

interface Waiting<T> {
  readonly item: T;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One call at a time for each key: what comes for a key while its call is under way waits, and goes with the
 * next call as one batch. So the order within a key is kept, and a storm on one key becomes few calls.
 */
export class Lanes<T> {
  readonly #options: LanesOptions<T>;
  readonly #lanes = new Map<string, Waiting<T>[]>();
  #waiting = 0;

  constructor(options: LanesOptions<T>) {
    this.#options = options;
  }

  /** Resolves when the item is stored; rejects with what `send` threw, or IntakeRefusal at the bound. */
  async push(key: string, item: T): Promise<void> {
    if (this.#waiting >= this.#options.maxWaiting) throw new IntakeRefusal('overloaded', 1);
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const entry = { item, resolve: () => resolve(undefined), reject };
    this.#waiting += 1;
    const lane = this.#lanes.get(key);
    if (lane) lane.push(entry);
    else void this.#run(key, [entry]);
    await promise;
  }

  async #run(key: string, lane: Waiting<T>[]): Promise<void> {
    this.#lanes.set(key, lane);
    while (lane.length > 0) {
      const batch = lane.splice(0, this.#options.take(lane.map(({ item }) => item)));
      this.#waiting -= batch.length;
      await this.#send(batch);
    }
    this.#lanes.delete(key);
  }

  async #send(batch: readonly Waiting<T>[]): Promise<void> {
    try {
      await this.#options.send(batch.map(({ item }) => item));
      for (const { resolve } of batch) resolve();
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
