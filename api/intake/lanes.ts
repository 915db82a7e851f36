import { IntakeRefusal } from './sink.ts';

type Batch<T> = readonly [T, ...T[]];

export interface LanesOptions<T, R> {
  /** How many of the waiting items, from the first, go into the next call; at least 1. */
  readonly take: (waiting: readonly T[]) => number;
  /** Stores one batch of one key. */
  readonly send: (batch: Batch<T>, key: string) => Promise<R>;
  /** Items that wait, over all keys, at most; a further one is refused. */
  readonly maxWaiting: number;
}

interface Waiting<T, R> {
  readonly item: T;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * One call at a time for each key: what comes for a key while its call is under way waits, and goes with the
 * next call as one batch. So the order within a key is kept, and a storm on one key becomes few calls.
 */
export class Lanes<T, R> {
  readonly #options: LanesOptions<T, R>;
  readonly #lanes = new Map<string, Waiting<T, R>[]>();
  #waiting = 0;

  constructor(options: LanesOptions<T, R>) {
    this.#options = options;
  }

  /** Resolves when the item is stored; rejects with what `send` threw, or IntakeRefusal at the bound. */
  async push(key: string, item: T): Promise<R> {
    if (this.#waiting >= this.#options.maxWaiting) throw new IntakeRefusal('overloaded', 1);
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    const entry = { item, resolve, reject };
    this.#waiting += 1;
    const lane = this.#lanes.get(key);
    if (lane) lane.push(entry);
    else void this.#run(key, [entry]);
    return promise;
  }

  async #run(key: string, lane: Waiting<T, R>[]): Promise<void> {
    this.#lanes.set(key, lane);
    while (lane.length > 0) {
      const [first, ...others] = lane.splice(0, this.#options.take(lane.map(({ item }) => item)));
      if (!first) continue;
      this.#waiting -= 1 + others.length;
      await this.#send([first, ...others], key);
    }
    this.#lanes.delete(key);
  }

  async #send(batch: Batch<Waiting<T, R>>, key: string): Promise<void> {
    const [first, ...others] = batch;
    try {
      const items: Batch<T> = [first.item, ...others.map(({ item }) => item)];
      const result = await this.#options.send(items, key);
      for (const { resolve } of batch) resolve(result);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
