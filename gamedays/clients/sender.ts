import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import type { JsonLines } from '../../platform/json-lines.ts';
import type { SentRecord } from '../ledgers/records.ts';
import type { AlertScript, PlannedEvent } from '../load/plan-load.ts';

export interface SenderOptions {
  readonly scripts: readonly AlertScript[];
  /** Integration keys by service. */
  readonly routingKeys: Readonly<Record<string, string>>;
  /** Every way in; a client that fails with one goes on with the next. */
  readonly apiUrls: readonly string[];
  /** When the plan's time zero is, milliseconds since 1970. */
  readonly startAt: number;
  /** After this no attempt is made any more. */
  readonly endAt: number;
  readonly ledger: JsonLines;
}

const ATTEMPT_MS = 5000;
/** Longest wait before the next attempt, whatever the server says. */
const WAIT_MAX_MS = 10_000;
const BACKOFF_MS = [250, 500, 1000, 2000, 5000] as const;
const SOCKETS_MAX = 256;

interface Answered {
  readonly status: number | null;
  readonly retryAfterSec: number | null;
  readonly unsent: boolean;
}

/**
 * Sends what the plan says when the plan says it, as a well-behaved client does: an event that is not accepted
 * is sent again, and the events of one key keep their order. Every attempt is in the ledger.
 */
export class Sender {
  readonly #options: SenderOptions;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX });
  #seq = 0;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** Resolves when every event is accepted, or the time is over. */
  async run(): Promise<void> {
    await Promise.all(this.#options.scripts.map((script, n) => this.#play(script, n)));
    this.#agent.destroy();
  }

  async #play(script: AlertScript, n: number): Promise<void> {
    for (const event of script.events) {
      const wait = this.#options.startAt + event.atMs - Date.now();
      if (wait > 0) await sleep(wait);
      const accepted = await this.#deliver(script, event, n);
      // What follows would mean something else.
      if (!accepted) return;
    }
  }

  async #deliver(script: AlertScript, event: PlannedEvent, n: number): Promise<boolean> {
    const body = this.#bodyOf(script, event);
    for (let attempt = 0; Date.now() < this.#options.endAt; attempt += 1) {
      const url = this.#options.apiUrls[(n + attempt) % this.#options.apiUrls.length] ?? '';
      const sentAt = Date.now();
      const answered = await this.#post(`${url}/v2/enqueue`, body);
      this.#record(script, event, { sentAt, endedAt: Date.now(), ...answered });
      if (answered.status === 202) return true;
      if (isFinal(answered)) return false;
      await sleep(waitMs(answered, attempt));
    }
    return false;
  }

  #bodyOf({ key, service }: AlertScript, { action }: PlannedEvent): string {
    return JSON.stringify({
      ...{ routing_key: this.#options.routingKeys[service], event_action: action, dedup_key: key },
      ...(action === 'trigger' && {
        payload: { summary: `${key} is down`, source: 'chaos', severity: 'critical' },
      }),
    });
  }

  #record(
    { key, service }: AlertScript,
    { eventId, action }: PlannedEvent,
    outcome: Pick<SentRecord, 'sentAt' | 'endedAt' | 'status' | 'retryAfterSec' | 'unsent'>,
  ): void {
    this.#seq += 1;
    const record: SentRecord = { seq: this.#seq, eventId, key, service, action, ...outcome };
    this.#options.ledger.append(record);
  }

  #post(url: string, body: string): Promise<Answered> {
    return new Promise((resolve) => {
      const none = { status: null, retryAfterSec: null };
      const options = {
        ...{ method: 'POST', agent: this.#agent, signal: AbortSignal.timeout(ATTEMPT_MS) },
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      };
      const sent = request(url, options, (response) => {
        const retryAfter = response.headers['retry-after'];
        const status = response.statusCode ?? null;
        response.resume();
        response.once('error', () => resolve({ ...none, unsent: false }));
        response.once('end', () =>
          resolve({ status, retryAfterSec: secondsIn(retryAfter), unsent: false }),
        );
      });
      sent.once('error', (error) => {
        resolve({ ...none, unsent: Reflect.get(error, 'code') === 'ECONNREFUSED' });
      });
      sent.end(body);
    });
  }
}

function secondsIn(header: string | undefined): number | null {
  const seconds = Number(header);
  return header === undefined || Number.isNaN(seconds) ? null : seconds;
}

/** A decision about the event itself: sending it again would bring the same. */
function isFinal({ status }: Answered): boolean {
  return status !== null && status >= 400 && status < 500 && status !== 429;
}

function waitMs({ retryAfterSec }: Answered, attempt: number): number {
  const backoff = BACKOFF_MS[Math.min(attempt, BACKOFF_MS.length - 1)] ?? 0;
  const asked = retryAfterSec === null ? backoff : retryAfterSec * 1000;
  return Math.min(WAIT_MAX_MS, asked);
}
