import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

import { Counter, Gauge, Histogram } from 'prom-client';

import type { Logger } from '../platform/logger.ts';
import type { Check } from './checks.ts';

/** A page that has not come by then is missing; the next canary follows at once. */
const ARRIVAL_LIMIT_MS = 8000;
/** So many missing in a row are no restart: with a canary a minute it is known 78 s after delivery stopped. */
const MISSING = 2;
const SOON_MS = 1000;
/** Between two canaries while they are missing. */
const WRONG_MS = 10_000;
/** So long after its page came a canary stays open, so that its user's other contact methods have theirs. */
const LINGER_MS = 3000;
const POST_LIMIT_MS = 5000;
const MAX_BODY_BYTES = 65_536;

const latency = new Histogram({
  name: 'pdlite_canary_latency_seconds',
  help: 'From the canary’s event to the arrival of its page.',
  buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 8],
});
const missing = new Counter({
  name: 'pdlite_canary_missing_total',
  help: 'Canaries whose page did not come in time.',
});
const lastArrival = new Gauge({
  name: 'pdlite_canary_last_arrival_timestamp_seconds',
  help: 'When a canary’s page last arrived; 0 before the first.',
});

export interface CanaryOptions {
  /** The public intake, as senders reach it. */
  readonly apiUrl: string;
  /** Integration key of an ordinary service whose on-call is the canary's user. */
  readonly key: string;
  readonly everyMs: number;
  readonly host: string;
  /** Where the webhook of the canary's user comes in; 0 takes a free one. */
  readonly port: number;
  readonly logger: Logger;
}

/**
 * A synthetic incident, again and again, on the way that every customer's alert takes: intake, incident, responder,
 * delivery by webhook to this process. It is resolved when its page came or is missing.
 */
export class Canary implements Check {
  readonly name = 'delivery (canary)';
  readonly confirmed = true;
  readonly #options: CanaryOptions;
  readonly #server: Server;
  readonly #expected = new Map<string, () => void>();
  readonly #stopped = new AbortController();
  #wrong: string | null = null;
  #missing = 0;

  constructor(options: CanaryOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      this.#arrive(request).then(
        () => response.writeHead(202).end(),
        () => response.writeHead(400).end(),
      );
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async start(): Promise<void> {
    this.#server.listen(this.#options.port, this.#options.host);
    await once(this.#server, 'listening');
    void this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#server.close();
    this.#server.closeAllConnections();
    await Promise.resolve();
  }

  readonly look = (): Promise<string | null> => Promise.resolve(this.#wrong);

  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const startedAt = performance.now();
      const why = await this.#fly();
      this.#missing = why === null ? 0 : this.#missing + 1;
      this.#wrong = this.#missing >= MISSING ? why : null;
      if (why !== null) {
        missing.inc();
        this.#options.logger.warn({ why }, 'canary is missing');
      }
      await this.#pause(this.#restMs(performance.now() - startedAt));
    }
  }

  #restMs(tookMs: number): number {
    if (this.#wrong !== null) return WRONG_MS;
    return this.#missing > 0 ? SOON_MS : Math.max(SOON_MS, this.#options.everyMs - tookMs);
  }

  /** One canary; null when its page came. */
  async #fly(): Promise<string | null> {
    const id = `canary-${randomBytes(8).toString('hex')}`;
    const startedAt = performance.now();
    const arrived = new Promise<true>((resolve) => this.#expected.set(id, () => resolve(true)));
    try {
      const status = await this.#post(id, 'trigger');
      if (status !== 202) return `intake answers ${status}`;
      if (!(await Promise.race([arrived, this.#pause(ARRIVAL_LIMIT_MS)]))) {
        return `no page within ${ARRIVAL_LIMIT_MS / 1000} s`;
      }
      latency.observe((performance.now() - startedAt) / 1000);
      lastArrival.setToCurrentTime();
      await this.#pause(LINGER_MS);
      return null;
    } catch {
      return 'intake does not answer';
    } finally {
      this.#expected.delete(id);
      await this.#post(id, 'resolve').catch(() => undefined);
    }
  }

  async #post(id: string, action: 'trigger' | 'resolve'): Promise<number> {
    const payload = { summary: `Canary ${id}`, source: 'watchdog', severity: 'critical' };
    const body = { routing_key: this.#options.key, event_action: action, dedup_key: id };
    const response = await fetch(`${this.#options.apiUrl}/v2/enqueue`, {
      method: 'POST',
      body: JSON.stringify(action === 'trigger' ? { ...body, payload } : body),
      signal: AbortSignal.timeout(POST_LIMIT_MS),
      redirect: 'error',
    });
    await response.arrayBuffer();
    return response.status;
  }

  /** The id in the page is proof enough: nobody else knows it. */
  async #arrive(request: IncomingMessage): Promise<void> {
    if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES)
      throw new Error('too large');
    const body = await text(request);
    for (const [id, arrived] of this.#expected) if (body.includes(id)) arrived();
  }

  /** Resolves to false after the time, or when the canary is stopped. */
  #pause(ms: number): Promise<false> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#stopped.signal.removeEventListener('abort', end);
        resolve(false);
      };
      const timer = setTimeout(end, ms);
      this.#stopped.signal.addEventListener('abort', end);
    });
  }
}
