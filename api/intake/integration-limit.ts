import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';

import type { Integration } from '../../domain/model.ts';

const WINDOW_SEC = 60;
/** Distinct limits that are kept; beyond it all are forgotten and every window begins anew. */
const MAX_LIMITERS = 1000;

/** Events a minute of each integration, counted in this process. */
export class IntegrationLimit {
  readonly #limiters = new Map<number, RateLimiterMemory>();

  /** Counts `events`; answers null when they are within the limit, else seconds until there is room. */
  async exceededFor(integration: Integration, events: number): Promise<number | null> {
    try {
      await this.#limiter(integration.rateLimitPerMinute).consume(integration.id, events);
      return null;
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error;
      // By the machine's clock, which may have been set back.
      return Math.min(WINDOW_SEC, Math.max(1, Math.ceil(error.msBeforeNext / 1000)));
    }
  }

  #limiter(points: number): RateLimiterMemory {
    const known = this.#limiters.get(points);
    if (known) return known;
    if (this.#limiters.size >= MAX_LIMITERS) this.#limiters.clear();
    const limiter = new RateLimiterMemory({ points, duration: WINDOW_SEC });
    this.#limiters.set(points, limiter);
    return limiter;
  }
}
