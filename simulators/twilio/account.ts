import { setTimeout as sleep } from 'node:timers/promises';

import type { CallItem, CallbackItem, Door, SmsItem } from '../items.ts';
import type { Ledger } from '../ledger.ts';
import type { Mood, MoodKind, Moods } from '../moods.ts';
import { reportPlan } from '../report-plan.ts';
import { SimulatedCall } from './call.ts';
import type { CallOrder } from './call.ts';
import { newSid } from './sid.ts';
import { postSigned } from './signed-post.ts';
import type { WebhookAnswer } from './signed-post.ts';
import { elementsOf, parseTwiml, textOf } from './twiml.ts';

/** A message or call in the vendor's JSON. */
export type Resources = Readonly<Record<string, unknown>>;

/** An order of `POST Messages.json`. */
interface MessageOrder {
  readonly to: string;
  readonly from: string;
  readonly text: string;
  readonly statusCallback: string;
}

interface Options {
  readonly sid: string;
  readonly token: string;
  readonly smsUrl: string;
  readonly ledger: Ledger;
  readonly moods: Moods;
  /** Milliseconds between one report and the next. */
  readonly reportEveryMs: number;
}

const MAX_CALLS = 500;
const MAX_MESSAGES = 5000;
const OPT_OUT = /^\s*(stop|stopall|unsubscribe|cancel|end|quit)\s*$/i;
const OPT_IN = /^\s*(start|yes|unstop)\s*$/i;

/** One account of the simulated Twilio: its phones, calls and callbacks. */
export class SimulatedTwilio {
  readonly sid: string;
  readonly token: string;
  readonly moods: Moods;
  readonly #options: Options;
  readonly #calls = new Map<string, SimulatedCall>();
  readonly #messages = new Map<string, SmsItem>();
  readonly #optedOut = new Set<string>();
  readonly #closing = new AbortController();
  #smsUrl: string;
  #requests = 0;
  #lastNumber = '+15005550006';

  constructor(options: Options) {
    this.#options = options;
    this.sid = options.sid;
    this.token = options.token;
    this.moods = options.moods;
    this.#smsUrl = options.smsUrl;
  }

  /** Where texts that phones send are posted to. */
  set smsUrl(url: string) {
    this.#smsUrl = url;
  }

  isOptedOut(phone: string): boolean {
    return this.#optedOut.has(phone);
  }

  forgetOptOuts(): void {
    this.#optedOut.clear();
  }

  noteRequest(door: Door, address: string, mood: MoodKind, summary: string): void {
    this.#requests += 1;
    const id = `request-${door}-${this.#requests}`;
    const what = { type: 'request', vendor: 'twilio', door, mood, summary } as const;
    this.#options.ledger.put({ ...what, id, at: now(), address });
  }

  sendMessage(order: MessageOrder, mood: Mood): SmsItem {
    this.#lastNumber = order.from;
    const item = this.#incoming(order.to, order.from, order.text);
    if (mood.kind !== 'lie') this.#options.ledger.put(item);
    void this.#report(item, order.statusCallback, mood);
    return item;
  }

  placeCall(order: CallOrder, mood: Mood): CallItem {
    this.#lastNumber = order.from;
    const call = new SimulatedCall(order, {
      vendor: 'twilio',
      sid: this.sid,
      put: (item) => this.#options.ledger.put(item),
      post: (url, parameters) => this.#post(order.to, url, parameters),
      signal: this.#closing.signal,
      reportEveryMs: this.#options.reportEveryMs,
      mood,
    });
    this.#calls.set(call.item.id, call);
    const [oldest] = this.#calls.keys();
    if (this.#calls.size > MAX_CALLS && oldest !== undefined) this.#calls.delete(oldest);
    call.start();
    return call.item;
  }

  call(id: string): SimulatedCall | undefined {
    return this.#calls.get(id);
  }

  /** A phone sends a text; what the product answers arrives at the phone. */
  async textFromPhone(phone: string, text: string, number?: string): Promise<SmsItem> {
    const to = number ?? this.#lastNumber;
    if (OPT_OUT.test(text)) this.#optedOut.add(phone);
    if (OPT_IN.test(text)) this.#optedOut.delete(phone);
    const item: SmsItem = {
      ...this.#incoming(phone, to, text),
      ...{ direction: 'out', status: 'sent' },
    };
    this.#options.ledger.put(item);
    const answer = await this.#post(phone, this.#smsUrl, inboundFields(this.sid, item));
    try {
      for (const reply of answeredTexts(answer))
        this.#arrive(phone, to, reply).status = 'delivered';
    } catch (error) {
      item.problem = error instanceof Error ? error.message : 'The webhook failed.';
    }
    item.status = item.problem === null ? 'delivered' : 'failed';
    this.#options.ledger.put(item);
    return item;
  }

  messageResource(id: string): Resources | null {
    const item = this.#messages.get(id);
    if (!item) return null;
    const created = new Date(item.at).toUTCString().replace('GMT', '+0000');
    return {
      ...{ sid: id, account_sid: this.sid, api_version: '2010-04-01', body: item.text },
      ...{ to: item.address, from: item.number, status: item.status, direction: 'outbound-api' },
      ...{ date_created: created, date_updated: created, date_sent: null, error_code: null },
      ...{ error_message: null, num_segments: '1', num_media: '0', price: null, price_unit: 'USD' },
      ...{ messaging_service_sid: null, uri: this.#uri('Messages', id) },
      subresource_uris: { media: this.#uri('Messages', `${id}/Media`) },
    };
  }

  callResource(id: string): Resources | null {
    const item = this.#options.ledger.get(id);
    if (item?.type !== 'call') return null;
    const created = new Date(item.at).toUTCString().replace('GMT', '+0000');
    return {
      ...{ sid: id, account_sid: this.sid, api_version: '2010-04-01', to: item.address },
      ...{ from: item.number, status: item.status, direction: 'outbound-api', price: null },
      ...{ date_created: created, date_updated: created, start_time: null, end_time: null },
      ...{ duration: null, answered_by: item.answeredBy, parent_call_sid: null, price_unit: 'USD' },
      ...{ uri: this.#uri('Calls', id), subresource_uris: {} },
    };
  }

  /** Ends calls and reports that are under way. */
  close(): void {
    this.#closing.abort();
  }

  #uri(kind: string, id: string): string {
    return `/2010-04-01/Accounts/${this.sid}/${kind}/${id}.json`;
  }

  #arrive(phone: string, number: string, text: string): SmsItem {
    const item = this.#incoming(phone, number, text);
    this.#options.ledger.put(item);
    return item;
  }

  #incoming(phone: string, number: string, text: string): SmsItem {
    const item: SmsItem = {
      ...{ type: 'sms', vendor: 'twilio', id: newSid('SM'), at: now(), address: phone, text },
      ...{ direction: 'in', number, status: 'queued', problem: null },
    };
    this.#messages.set(item.id, item);
    const [oldest] = this.#messages.keys();
    if (this.#messages.size > MAX_MESSAGES && oldest !== undefined) this.#messages.delete(oldest);
    return item;
  }

  async #report(item: SmsItem, url: string, mood: Mood): Promise<void> {
    try {
      if (mood.kind === 'late') await this.#pause(mood.delayMs);
      for (const status of reportPlan(mood.kind)) {
        await this.#pause(this.#options.reportEveryMs);
        item.status = status;
        if (mood.kind !== 'lie') this.#options.ledger.put(item);
        if (url) await this.#post(item.address, url, statusFields(this.sid, item));
      }
    } catch (error) {
      if (!this.#closing.signal.aborted) throw error;
    }
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#closing.signal });
  }

  async #post(
    address: string,
    url: string,
    parameters: Readonly<Record<string, string>>,
  ): Promise<WebhookAnswer> {
    const answer = await postSigned(this.token, url, parameters);
    this.#requests += 1;
    const item: CallbackItem = {
      ...{
        type: 'callback',
        vendor: 'twilio',
        id: `callback-${this.#requests}`,
        at: now(),
        address,
        url,
      },
      ...{ parameters, attempts: answer.attempts, status: answer.status },
    };
    this.#options.ledger.put(item);
    return answer;
  }
}

function statusFields(sid: string, item: SmsItem): Readonly<Record<string, string>> {
  const failure: Record<string, string> =
    item.status === 'undelivered' ? { ErrorCode: '30003' } : {};
  return {
    ...{ AccountSid: sid, ApiVersion: '2010-04-01', MessageSid: item.id, SmsSid: item.id },
    ...{ MessageStatus: item.status, SmsStatus: item.status, To: item.address, From: item.number },
    ...failure,
  };
}

function inboundFields(sid: string, item: SmsItem): Readonly<Record<string, string>> {
  return {
    ...{ AccountSid: sid, ApiVersion: '2010-04-01', MessageSid: item.id, SmsSid: item.id },
    ...{ SmsMessageSid: item.id, SmsStatus: 'received', From: item.address, To: item.number },
    ...{ Body: item.text, NumMedia: '0', NumSegments: '1' },
  };
}

function answeredTexts(answer: WebhookAnswer): readonly string[] {
  if (answer.problem !== null) throw new Error(`No answer: ${answer.problem}`);
  if (answer.status !== 200) throw new Error(`The webhook answered ${answer.status}.`);
  const messages = elementsOf(parseTwiml(answer.body)).filter(({ name }) => name === 'Message');
  return messages.map(textOf).filter((text) => text !== '');
}

function now(): string {
  return new Date().toISOString();
}
