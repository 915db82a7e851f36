import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import type { CallItem, CallbackItem, Door, SmsItem } from '../items.ts';
import type { Ledger } from '../ledger.ts';
import type { Mood, MoodKind, Moods } from '../moods.ts';
import { reportPlan } from '../report-plan.ts';
import { SimulatedCall } from './call.ts';
import type { CallOrder } from './call.ts';
import { postSigned } from './signed-post.ts';
import type { Signer, WebhookAnswer } from './signed-post.ts';

/** What the simulated Vonage accepts and signs with. */
export interface VonageCredentials extends Signer {
  readonly apiSecret: string;
  /** PEM; null: the tokens of requests are not checked. */
  readonly publicKey: string | null;
}

/** An order of `POST /v1/messages`. */
interface MessageOrder {
  readonly to: string;
  readonly from: string;
  readonly text: string;
  readonly clientRef: string | null;
  readonly webhookUrl: string | null;
}

interface Options {
  readonly credentials: VonageCredentials;
  readonly smsUrl: string;
  readonly ledger: Ledger;
  readonly moods: Moods;
  /** Milliseconds between one report and the next. */
  readonly reportEveryMs: number;
}

const MAX_CALLS = 500;
const MAX_MESSAGES = 5000;
const MAX_NUMBERS = 100;

/** One account of the simulated Vonage: its texts, calls and webhooks. */
export class SimulatedVonage {
  readonly credentials: VonageCredentials;
  readonly moods: Moods;
  readonly #options: Options;
  readonly #calls = new Map<string, SimulatedCall>();
  readonly #messages = new Map<string, SmsItem>();
  readonly #numbers = new Set<string>();
  readonly #closing = new AbortController();
  #smsUrl: string;
  #count = 0;

  constructor(options: Options) {
    this.#options = options;
    this.credentials = options.credentials;
    this.moods = options.moods;
    this.#smsUrl = options.smsUrl;
  }

  /** Where texts that phones send are posted to. */
  set smsUrl(url: string) {
    this.#smsUrl = url;
  }

  /** Whether messages or calls went out with this number. */
  owns(number: string): boolean {
    return this.#numbers.has(number);
  }

  noteRequest(door: Door, address: string, mood: MoodKind, summary: string): void {
    const id = `request-vonage-${door}-${(this.#count += 1)}`;
    const what = { type: 'request', vendor: 'vonage', door, mood, summary } as const;
    this.#options.ledger.put({ ...what, id, at: now(), address });
  }

  sendMessage(order: MessageOrder, mood: Mood): SmsItem {
    this.#remember(order.from);
    const item = this.#message(order.to, order.from, order.text);
    if (mood.kind !== 'lie') this.#options.ledger.put(item);
    void this.#report(item, order, mood);
    return item;
  }

  placeCall(order: CallOrder, mood: Mood): SimulatedCall {
    this.#remember(order.from);
    const { ledger, reportEveryMs } = this.#options;
    const call = new SimulatedCall(order, {
      vendor: 'vonage',
      put: (item: CallItem) => ledger.put(item),
      post: (url, content) => this.#post(order.to, url, content),
      ...{ signal: this.#closing.signal, reportEveryMs, mood },
    });
    keep(this.#calls, call.item.id, call, MAX_CALLS);
    call.start();
    return call;
  }

  call(id: string): SimulatedCall | undefined {
    return this.#calls.get(id);
  }

  message(id: string): SmsItem | undefined {
    return this.#messages.get(id);
  }

  /** A phone sends a text. What the product answers is a message of its own. */
  async textFromPhone(phone: string, text: string, number: string): Promise<SmsItem> {
    const item: SmsItem = {
      ...this.#message(phone, number, text),
      ...{ direction: 'out', status: 'sent' },
    };
    this.#options.ledger.put(item);
    const answer = await this.#post(phone, this.#smsUrl, {
      ...{ channel: 'sms', message_type: 'text', message_uuid: item.id, text },
      ...{ to: digits(number), from: digits(phone), timestamp: item.at },
      ...{ context_status: 'none', sms: { num_messages: '1' }, origin: { network_code: '23410' } },
    });
    if (answer.status !== 200) item.problem = answer.problem ?? `answered ${answer.status}`;
    item.status = item.problem === null ? 'delivered' : 'failed';
    this.#options.ledger.put(item);
    return item;
  }

  /** Ends calls and reports that are under way. */
  close(): void {
    this.#closing.abort();
  }

  #remember(number: string): void {
    this.#numbers.add(number);
    const [oldest] = this.#numbers;
    if (this.#numbers.size > MAX_NUMBERS && oldest !== undefined) this.#numbers.delete(oldest);
  }

  #message(phone: string, number: string, text: string): SmsItem {
    const item: SmsItem = {
      ...{ type: 'sms', vendor: 'vonage', id: randomUUID(), at: now(), address: phone, text },
      ...{ direction: 'in', number, status: 'submitted', problem: null },
    };
    keep(this.#messages, item.id, item, MAX_MESSAGES);
    return item;
  }

  async #report(item: SmsItem, order: MessageOrder, mood: Mood): Promise<void> {
    try {
      if (mood.kind === 'late') await this.#pause(mood.delayMs);
      for (const step of reportPlan(mood.kind)) {
        await this.#pause(this.#options.reportEveryMs);
        item.status = WORDS[step];
        if (mood.kind !== 'lie') this.#options.ledger.put(item);
        if (order.webhookUrl !== null)
          await this.#post(item.address, order.webhookUrl, statusContent(item, order));
      }
    } catch (error) {
      if (!this.#closing.signal.aborted) throw error;
    }
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#closing.signal });
  }

  async #post(address: string, url: string, content: object): Promise<WebhookAnswer> {
    const answer = await postSigned(this.credentials, url, content);
    const id = `callback-vonage-${(this.#count += 1)}`;
    const parameters = Object.fromEntries(
      Object.entries(content).map(([name, value]) => [name, textOf(value)]),
    );
    const item: CallbackItem = {
      ...{ type: 'callback', vendor: 'vonage', id, at: now(), address, url, parameters },
      ...{ attempts: 1, status: answer.status },
    };
    this.#options.ledger.put(item);
    return answer;
  }
}

const WORDS = { sent: 'submitted', delivered: 'delivered', undelivered: 'rejected' } as const;

function statusContent(item: SmsItem, { clientRef }: MessageOrder): object {
  return {
    ...{ message_uuid: item.id, to: digits(item.address), from: digits(item.number) },
    ...{ timestamp: now(), status: item.status, channel: 'sms', channel_type: 'sms' },
    ...(clientRef === null ? {} : { client_ref: clientRef }),
    ...(item.status === 'rejected'
      ? {
          error: {
            type: 'https://developer.vonage.com/api-errors/messages#1180',
            ...{ title: 1180, detail: 'Absent subscriber - temporary', instance: item.id },
          },
        }
      : {}),
  };
}

function keep<T>(map: Map<string, T>, id: string, value: T, most: number): void {
  map.set(id, value);
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) map.delete(oldest);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function digits(number: string): string {
  return number.replace(/^\+/, '');
}

function now(): string {
  return new Date().toISOString();
}
