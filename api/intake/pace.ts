/** A call that takes this many times the quickest one lately, and this much longer, has waited in the engine. */
const TOLERATED_FACTOR = 2;
const TOLERATED_MS = 10;
/** How much fewer calls there are after one that waited. */
const LESS = 0.7;
/** The quickest call is remembered for one to two of these. */
const WINDOW_MS = 300_000;

/**
 * How many calls the engine takes at a time before they only wait in it. What waits there is no longer drained
 * most severe first, and takes the processors from the pages of what came before; so the number falls at once
 * when calls become slow, and rises by one for each round of quick ones.
 */
export class Pace {
  readonly #max: number;
  readonly #now: () => number;
  #limit: number;
  #quickest = Number.POSITIVE_INFINITY;
  #quickestBefore = Number.POSITIVE_INFINITY;
  #windowEndsMs = 0;
  #lessUntilMs = 0;

  constructor(max: number, now: () => number = () => performance.now()) {
    this.#max = max;
    this.#limit = max;
    this.#now = now;
  }

  /** Calls at a time; at least 1. */
  get limit(): number {
    return Math.floor(this.#limit);
  }

  /** Learns from a call that was answered. */
  note(tookMs: number): void {
    const now = this.#now();
    this.#remember(tookMs, now);
    const base = Math.min(this.#quickest, this.#quickestBefore);
    if (tookMs <= TOLERATED_FACTOR * base + TOLERATED_MS) {
      this.#limit = Math.min(this.#max, this.#limit + 1 / this.#limit);
    } else if (now >= this.#lessUntilMs) {
      this.#limit = Math.max(1, this.#limit * LESS);
      // What is under way was begun before and says nothing new.
      this.#lessUntilMs = now + tookMs;
    }
  }

  #remember(tookMs: number, now: number): void {
    if (now >= this.#windowEndsMs) {
      this.#windowEndsMs = now + WINDOW_MS;
      this.#quickestBefore = this.#quickest;
      this.#quickest = tookMs;
    } else this.#quickest = Math.min(this.#quickest, tookMs);
  }
}
