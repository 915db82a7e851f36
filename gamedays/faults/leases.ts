/** Why a lease ended by itself. */
export type LeaseEnd = 'expired' | 'held too long';

export interface LeaseOptions {
  /** Milliseconds without renewal after which it ends. */
  readonly ttlMs: number;
  /** Milliseconds after which it ends, renewed or not. */
  readonly holdMaxMs: number;
  /** Called once when it ends by itself, not when it is given back. */
  readonly onEnd: (why: LeaseEnd) => void;
}

interface Lease {
  readonly options: LeaseOptions;
  readonly endsBy: number;
  timer: NodeJS.Timeout;
}

/** At most so many leases at once; a further one is refused. */
const LEASES_MAX = 100;

/** Things that end by themselves unless their owner goes on saying that it lives. */
export class Leases {
  readonly #leases = new Map<string, Lease>();

  /** @throws RangeError when there are 100 already. */
  grant(id: string, options: LeaseOptions): void {
    if (this.#leases.size >= LEASES_MAX) throw new RangeError(`${LEASES_MAX} leases are out.`);
    const endsBy = Date.now() + options.holdMaxMs;
    this.#leases.set(id, { options, endsBy, timer: this.#arm(id, options, endsBy) });
  }

  /** @returns false when there is no such lease (any more). */
  renew(id: string): boolean {
    const lease = this.#leases.get(id);
    if (!lease) return false;
    clearTimeout(lease.timer);
    lease.timer = this.#arm(id, lease.options, lease.endsBy);
    return true;
  }

  /** Gives it back. @returns false when there is no such lease (any more). */
  end(id: string): boolean {
    const lease = this.#leases.get(id);
    clearTimeout(lease?.timer);
    return this.#leases.delete(id);
  }

  #arm(id: string, options: LeaseOptions, endsBy: number): NodeJS.Timeout {
    const left = endsBy - Date.now();
    const [waitMs, why]: [number, LeaseEnd] =
      left < options.ttlMs ? [Math.max(0, left), 'held too long'] : [options.ttlMs, 'expired'];
    return setTimeout(() => {
      this.#leases.delete(id);
      options.onEnd(why);
    }, waitMs);
  }
}
