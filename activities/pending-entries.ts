/** A workflow tries again within 30 s, on whichever worker; what was not heard of for longer is written by another. */
const FORGET_MS = 90_000;
/** More are not told apart; the oldest are forgotten. */
const ENTRIES_MAX = 100_000;

/** Log entries, and so audit records, that were not written when they were last tried. */
export class PendingEntries {
  readonly #triedAt = new Map<string, number>();

  failed(ids: readonly string[], nowMs: number): number {
    for (const id of ids) {
      this.#triedAt.delete(id);
      this.#triedAt.set(id, nowMs);
    }
    return this.#count(nowMs);
  }

  written(ids: readonly string[], nowMs: number): number {
    for (const id of ids) this.#triedAt.delete(id);
    return this.#count(nowMs);
  }

  #count(nowMs: number): number {
    // Tried longest ago first.
    for (const [id, at] of this.#triedAt) {
      if (nowMs - at <= FORGET_MS && this.#triedAt.size <= ENTRIES_MAX) break;
      this.#triedAt.delete(id);
    }
    return this.#triedAt.size;
  }
}
