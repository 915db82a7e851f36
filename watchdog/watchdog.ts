import { Gauge } from 'prom-client';

import { describe, FRESH_WATCHDOG, judge, type WatchdogState } from '../domain/watchdog.ts';
import type { Logger } from '../platform/logger.ts';
import { steadyTimeMs } from '../platform/steady-time.ts';
import { lookAtAll, type Check } from './checks.ts';
import type { Pager } from './pager.ts';

/** Between two looks. */
const LOOK_EVERY_MS = 5000;

const up = new Gauge({
  name: 'pdlite_watchdog_part_up',
  help: 'Whether a part answered at the last look.',
  labelNames: ['part'] as const,
});

export interface WatchdogDeps {
  readonly checks: readonly Check[];
  readonly pager: Pager;
  readonly logger: Logger;
  readonly everyMs?: number;
}

/** Looks at every part again and again until `stop`, and tells people what `domain/watchdog` decides. */
export class Watchdog {
  readonly #deps: WatchdogDeps;
  #state: WatchdogState = FRESH_WATCHDOG;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();

  constructor(deps: WatchdogDeps) {
    this.#deps = deps;
  }

  start(): void {
    const next = (): void => {
      this.#looking = this.#look();
      this.#timer = setTimeout(next, this.#deps.everyMs ?? LOOK_EVERY_MS);
    };
    next();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { checks, pager, logger } = this.#deps;
    const results = await lookAtAll(checks);
    for (const { name, ok } of results) up.set({ part: name }, ok ? 1 : 0);
    const now = steadyTimeMs();
    const { state, notices } = judge(this.#state, results, now);
    this.#state = state;
    if (notices.length > 0) {
      const message = describe(notices);
      const isDown = notices.some(({ kind }) => kind !== 'recovered');
      logger[isDown ? 'error' : 'info']({ notices }, message.title);
      pager.add(message, now);
    }
    await pager.flush(now);
  }
}
