export interface GateOptions {
  /** Calls under way at most. */
  readonly maxInFlight: number;
  /** Calls that wait at most; a further one is refused at once. */
  readonly maxWaiting: number;
  /** Milliseconds that a call waits at most before it is refused. */
  readonly maxWaitMs: number;
  /** Told of every change. */
  readonly observe?: (inFlight: number, waiting: number) => void;
}

/** There is no place, nor will there be one soon. */
export class GateFull extends Error {
  override readonly name = 'GateFull';
}

/** Bounds the calls in flight: first come, first served, but for those that go before all that wait. */
export class Gate {
  readonly #options: GateOptions;
  readonly #queue: { readonly enter: () => void; readonly timer: NodeJS.Timeout }[] = [];
  #inFlight = 0;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** Calls under way. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /**
   * `first`: goes before all that wait, however many those are; its caller bounds how many such calls there are.
   * @throws GateFull when the queue is full or the wait too long.
   */
  async run<T>(work: () => Promise<T>, { first = false } = {}): Promise<T> {
    await this.#enter(first);
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  async #enter(first: boolean): Promise<void> {
    const { maxInFlight, maxWaiting } = this.#options;
    if (this.#inFlight < maxInFlight) this.#inFlight += 1;
    else if (this.#queue.length >= maxWaiting && !first) throw new GateFull('no place to wait');
    else await this.#wait(first);
    this.#observe();
  }

  /** A call that leaves hands its place over, so the count stays. */
  #wait(first: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#queue.splice(this.#queue.indexOf(entry), 1);
        reject(new GateFull('waited too long'));
      }, this.#options.maxWaitMs);
      const entry = { enter: resolve, timer };
      if (first) this.#queue.unshift(entry);
      else this.#queue.push(entry);
      this.#observe();
    });
  }

  #leave(): void {
    const next = this.#queue.shift();
    if (next) {
      clearTimeout(next.timer);
      next.enter();
    } else this.#inFlight -= 1;
    this.#observe();
  }

  #observe(): void {
    this.#options.observe?.(this.#inFlight, this.#queue.length);
  }
}
