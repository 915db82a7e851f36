/** Signals that a key gets at once, and the milliseconds after which it gets one more. */
const BURST = 4;
/** Between two signals of a key in a storm. Each costs its incident up to ten history events. */
export const STORM_INTERVAL_MS = 2000;
/** Keys remembered; the one that was not used for longest is forgotten. */
const REMEMBERED = 10_000;

interface Bucket {
  tokens: number;
  atMs: number;
}

/** Tells keys in a storm, whose events are to wait for one another, from all others. */
export class HotKeys {
  readonly #buckets = new Map<string, Bucket>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Counts one signal of this key; true when it had too many lately. */
  isHot(key: string): boolean {
    const bucket = this.#refilled(key);
    // Moved to the end: the map's order is that of use.
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    const oldest = this.#buckets.keys().next();
    if (this.#buckets.size > REMEMBERED && !oldest.done) this.#buckets.delete(oldest.value);
    if (bucket.tokens < 1) return true;
    bucket.tokens -= 1;
    return false;
  }

  #refilled(key: string): Bucket {
    const now = this.#now();
    const known = this.#buckets.get(key);
    if (!known) return { tokens: BURST, atMs: now };
    const tokens = Math.min(BURST, known.tokens + (now - known.atMs) / STORM_INTERVAL_MS);
    return { tokens, atMs: now };
  }
}
