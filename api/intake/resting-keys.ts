/** Milliseconds that a key rests after Temporal did not answer for it, and after its first refusal. */
const ENGINE_REST_MS = 1000;
const FIRST_REST_MS = 1000;
const LONGEST_REST_MS = 30_000;
/** Refusals after which a key's events are set aside, if Temporal has taken others meanwhile. */
const ATTEMPTS = 8;

interface Rest {
  readonly untilMs: number;
  readonly refusals: number;
  readonly sinceMs: number;
}

/** Keys that failed and are left alone for a while. In memory only: a new drainer tries them at once. */
export class RestingKeys {
  readonly #rests = new Map<string, Rest>();
  readonly #now: () => number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  keys(): readonly string[] {
    const now = this.#now();
    return [...this.#rests].filter(([, { untilMs }]) => untilMs > now).map(([key]) => key);
  }

  waitForEngine(key: string): void {
    const now = this.#now();
    const known = this.#rests.get(key) ?? { refusals: 0, sinceMs: now };
    this.#rests.set(key, { ...known, untilMs: now + ENGINE_REST_MS });
  }

  /**
   * Counts a refusal. `for_good`: the events themselves are at fault, because Temporal takes others.
   * `lastSuccessMs`: when it last took any, on the same clock.
   */
  refused(key: string, lastSuccessMs: number): 'again' | 'for_good' {
    const now = this.#now();
    const known = this.#rests.get(key) ?? { refusals: 0, sinceMs: now };
    const refusals = known.refusals + 1;
    if (refusals >= ATTEMPTS && lastSuccessMs > known.sinceMs) return 'for_good';
    const restMs = Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** Math.min(refusals - 1, 10));
    this.#rests.set(key, { ...known, refusals, untilMs: now + restMs });
    return 'again';
  }

  forget(key: string): void {
    this.#rests.delete(key);
  }
}
