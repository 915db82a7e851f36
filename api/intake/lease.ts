import { classifyDatabaseError } from '../../db/errors.ts';
import type { SpillStore } from '../../db/spill.ts';
import { CALL_DEADLINE_MS } from './engine.ts';

const LEASE_MS = 5000;
const RENEW_MS = 1000;
/** A call begins only while its deadline comes before the lease's end. */
const MARGIN_MS = CALL_DEADLINE_MS + 500;

/** The right to drain, which one process has at a time and keeps only while it is alive. */
export class Lease {
  readonly #spill: SpillStore;
  readonly #holder: string;
  readonly #now: () => number;
  #renewAtMs = Number.NEGATIVE_INFINITY;
  #untilMs = Number.NEGATIVE_INFINITY;
  #leads = false;

  constructor(spill: SpillStore, holder: string, now: () => number = () => performance.now()) {
    this.#spill = spill;
    this.#holder = holder;
    this.#now = now;
  }

  /** As far as this process knows nobody else has it. */
  get leads(): boolean {
    return this.#leads;
  }

  /** A call may begin now. */
  get holds(): boolean {
    return this.#leads && this.#now() < this.#untilMs - MARGIN_MS;
  }

  /**
   * Takes or renews it, when that is due. While PostgreSQL is read-only nobody can take it, so whoever had it
   * keeps it.
   */
  async keep(): Promise<boolean> {
    const askedAt = this.#now();
    if (askedAt < this.#renewAtMs && this.holds) return true;
    try {
      this.#leads = await this.#spill.lead(this.#holder, LEASE_MS);
    } catch (error) {
      if (!this.#leads || classifyDatabaseError(error) !== 'read_only') throw error;
    }
    this.#renewAtMs = askedAt + RENEW_MS;
    if (this.#leads) this.#untilMs = askedAt + LEASE_MS;
    return this.#leads;
  }

  async release(): Promise<void> {
    if (!this.#leads) return;
    this.#leads = false;
    await this.#spill.release(this.#holder).catch(() => undefined);
  }
}
