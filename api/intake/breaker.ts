export type BreakerState = 'closed' | 'open' | 'half_open';

export interface BreakerOptions {
  /** Failures in a row that open it. */
  readonly failures: number;
  /** Milliseconds after which an open one is tried. */
  readonly retryMs: number;
  /** A cheap question that an open one asks first, and again every `retryMs`, before anything else may pass. */
  readonly probe?: () => Promise<unknown>;
  /** Told of every change. */
  readonly observe?: (state: BreakerState) => void;
}

/**
 * Keeps work away from what does not answer. Closed: all may pass. Open: none. Half open: one at a time; its
 * success closes it, its failure opens it again.
 */
export class Breaker {
  readonly #options: BreakerOptions;
  #state: BreakerState = 'closed';
  #failed = 0;
  #trying = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Whether one piece of work may begin; whoever got true says `succeed` or `fail` afterwards. */
  tryPass(): boolean {
    if (this.#state === 'open' || (this.#state === 'half_open' && this.#trying)) return false;
    this.#trying = this.#state === 'half_open';
    return true;
  }

  /** Whether `tryPass` would say yes. */
  get lets(): boolean {
    return this.#state === 'closed' || (this.#state === 'half_open' && !this.#trying);
  }

  succeed(): void {
    this.#failed = 0;
    this.#trying = false;
    // What was on its way when it opened says nothing of now.
    if (this.#state === 'half_open') this.#become('closed');
  }

  fail(): void {
    this.#failed += 1;
    const tried = this.#state === 'half_open' && this.#trying;
    this.#trying = false;
    if (this.#state === 'open' || (!tried && this.#failed < this.#options.failures)) return;
    this.#become('open');
    this.#tryLater();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #tryLater(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#try(), this.#options.retryMs);
    this.#timer.unref();
  }

  async #try(): Promise<void> {
    try {
      await this.#options.probe?.();
      this.#become('half_open');
    } catch {
      this.#tryLater();
    }
  }

  #become(state: BreakerState): void {
    if (state === 'closed') this.#failed = 0;
    this.#state = state;
    this.#options.observe?.(state);
  }
}
