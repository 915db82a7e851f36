import type { SpillStore } from '../../db/spill.ts';

const AGAIN_MS = 500;

interface Waiting {
  readonly ids: readonly number[];
  readonly resolve: () => void;
}

/**
 * Takes drained rows out of the table, many by one statement, and again and again while PostgreSQL does not take
 * it: whoever drained them has to remember that they are done for as long as they are there.
 */
export class Remover {
  readonly #spill: SpillStore;
  #waiting: Waiting[] = [];
  #running = false;
  #closed = false;

  constructor(spill: SpillStore) {
    this.#spill = spill;
  }

  /** Resolves when they are gone; after `close` perhaps never. */
  async remove(ids: readonly number[]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#waiting.push({ ids, resolve: () => resolve(undefined) });
    if (!this.#running) void this.#run();
    await promise;
  }

  close(): void {
    this.#closed = true;
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0 && !this.#closed) {
      const batch = this.#waiting;
      this.#waiting = [];
      if (await this.#removed(batch)) for (const { resolve } of batch) resolve();
      else {
        this.#waiting = [...batch, ...this.#waiting];
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
    this.#running = false;
  }

  #removed(batch: readonly Waiting[]): Promise<boolean> {
    return this.#spill.remove(batch.flatMap(({ ids }) => ids)).then(
      () => true,
      () => false,
    );
  }
}
