import type { SpillStore } from '../../db/spill.ts';

const AGAIN_MS = 500;

interface Waiting {
  readonly ids: readonly number[];
  readonly resolve: (removed: boolean) => void;
}

/**
 * Takes drained rows out of the table, many by one statement. What PostgreSQL does not take is kept in mind and
 * tried again and again: whoever drained the rows has to remember that they are done for as long as they are there.
 */
export class Remover {
  readonly #spill: SpillStore;
  readonly #onFreed: () => void;
  readonly #kept = new Set<number>();
  #waiting: Waiting[] = [];
  #running = false;
  #closed = false;

  /** @param onFreed called when all that was kept is gone */
  constructor(spill: SpillStore, onFreed: () => void) {
    this.#spill = spill;
    this.#onFreed = onFreed;
  }

  /** Whether the row is drained although it is still in the table. */
  keeps(id: number): boolean {
    return this.#kept.has(id);
  }

  /** Resolves when they are gone (true), or kept in mind because PostgreSQL did not take it (false). */
  async remove(ids: readonly number[]): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#waiting.push({ ids, resolve });
    if (!this.#running) void this.#run();
    return promise;
  }

  close(): void {
    this.#closed = true;
  }

  async #run(): Promise<void> {
    this.#running = true;
    while ((this.#waiting.length > 0 || this.#kept.size > 0) && !this.#closed) {
      if (!(await this.#round())) await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
    this.#running = false;
  }

  /** False: PostgreSQL did not take it. */
  async #round(): Promise<boolean> {
    const batch = this.#waiting.splice(0);
    const ids = [...this.#kept, ...batch.flatMap((one) => one.ids)];
    const removed = await this.#spill.remove(ids).then(
      () => true,
      () => false,
    );
    const hadKept = this.#kept.size > 0;
    this.#kept.clear();
    if (!removed) for (const id of ids) this.#kept.add(id);
    for (const { resolve } of batch) resolve(removed);
    if (removed && hadKept) this.#onFreed();
    return removed;
  }
}
