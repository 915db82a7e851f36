import type { Item, LedgerEntry } from './items.ts';

const MAX_ITEMS = 5000;
const MAX_LISTENERS = 200;

/**
 * Everything that the simulators received and did, by id, in the order of its last change.
 * Keeps 5,000 items; the one that changed longest ago is dropped first.
 */
export class Ledger {
  readonly #entries = new Map<string, LedgerEntry>();
  readonly #listeners = new Set<(entry: LedgerEntry) => void>();
  readonly #record: (entry: LedgerEntry) => void;
  #seq = 0;

  /** @param record is told of every entry as it is made, before anybody else: a copy that nothing is dropped from. */
  constructor(record: (entry: LedgerEntry) => void = () => undefined) {
    this.#record = record;
  }

  /** Adds an item, or tells that it has changed. */
  put(item: Item): void {
    this.#seq += 1;
    const entry = { seq: this.#seq, item };
    this.#record(entry);
    this.#entries.delete(item.id);
    this.#entries.set(item.id, entry);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > MAX_ITEMS && oldest !== undefined) this.#entries.delete(oldest);
    for (const listener of [...this.#listeners]) listener(entry);
  }

  get(id: string): Item | undefined {
    return this.#entries.get(id)?.item;
  }

  after(seq: number): readonly LedgerEntry[] {
    return [...this.#entries.values()].filter((entry) => entry.seq > seq);
  }

  clear(): void {
    this.#entries.clear();
  }

  /** @returns how to stop listening. The 201st listener is refused with an error. */
  listen(listener: (entry: LedgerEntry) => void): () => void {
    if (this.#listeners.size >= MAX_LISTENERS) throw new Error('Too many listen to the ledger.');
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Entries after `seq`; when there are none, the first to come, or none after `waitMs`. */
  async waitAfter(seq: number, waitMs: number): Promise<readonly LedgerEntry[]> {
    const now = this.after(seq);
    if (now.length > 0 || waitMs <= 0) return now;
    const { promise, resolve } = Promise.withResolvers<readonly LedgerEntry[]>();
    const stop = this.listen(() => resolve(this.after(seq)));
    const timer = setTimeout(() => resolve([]), waitMs);
    return promise.finally(() => {
      clearTimeout(timer);
      stop();
    });
  }
}
