import { setTimeout as sleep } from 'node:timers/promises';

import type { CallItem } from '../items.ts';
import type { Mood } from '../moods.ts';
import { newSid } from './sid.ts';
import type { WebhookAnswer } from './signed-post.ts';
import { elementsOf, parseTwiml, textOf } from './twiml.ts';
import type { Element } from './twiml.ts';

/** An order of `POST Calls.json`. */
export interface CallOrder {
  readonly to: string;
  readonly from: string;
  readonly url: string;
  readonly statusCallback: string;
  readonly events: readonly string[];
  readonly detectMachine: boolean;
  readonly ringSec: number;
}

interface Line {
  readonly sid: string;
  readonly put: (item: CallItem) => void;
  readonly post: (url: string, fields: Readonly<Record<string, string>>) => Promise<WebhookAnswer>;
  readonly signal: AbortSignal;
  readonly reportEveryMs: number;
  readonly mood: Mood;
}

/** Documents of one call; a script that redirects for ever is cut off here. */
const MAX_DOCUMENTS = 30;
const MAX_KEYS = 32;

/** One call from the order to the last report: rings, is answered or not, and follows its TwiML. */
export class SimulatedCall {
  readonly item: CallItem;
  readonly #order: CallOrder;
  readonly #line: Line;
  readonly #over = new AbortController();
  #waitingForKeys: (() => void) | null = null;
  #unread = '';
  #sequence = 0;

  constructor(order: CallOrder, line: Line) {
    this.#order = order;
    this.#line = line;
    this.item = {
      ...{ type: 'call', id: newSid('CA'), at: new Date().toISOString(), address: order.to },
      ...{ number: order.from, status: 'queued', spoken: [], listening: false, keys: '' },
      ...{ answeredBy: null, problem: null },
    };
    line.put(this.item);
    line.signal.addEventListener('abort', () => this.#over.abort(), { once: true });
  }

  /** Rings, unless the mood has a machine answer. */
  start(): void {
    void this.#ring();
  }

  /** @returns false when it does not ring any more. */
  answer(by: 'human' | 'machine_start' = 'human'): boolean {
    if (this.item.status !== 'ringing') return false;
    this.item.answeredBy = this.#order.detectMachine ? by : null;
    this.#change('in-progress');
    void this.#talk();
    return true;
  }

  /** @returns false when nobody is on the line. */
  press(keys: string): boolean {
    if (this.item.status !== 'in-progress') return false;
    this.#unread = (this.#unread + keys).slice(-MAX_KEYS);
    this.item.keys = (this.item.keys + keys).slice(-MAX_KEYS);
    this.#line.put(this.item);
    this.#waitingForKeys?.();
    return true;
  }

  hangUp(): void {
    if (this.item.status === 'ringing') this.#end('busy');
    else if (this.item.status === 'in-progress') this.#end('completed');
  }

  async #ring(): Promise<void> {
    this.#report('initiated', 'queued');
    await this.#pause(this.#line.reportEveryMs);
    this.#change('ringing');
    this.#report('ringing', 'ringing');
    if (this.#line.mood.kind === 'machine') this.answer('machine_start');
    else await this.#pause(this.#order.ringSec * 1000);
    if (this.#is('ringing')) this.#end('no-answer');
  }

  async #talk(): Promise<void> {
    this.#report('answered', 'in-progress');
    try {
      let next: { url: string; digits: string } | null = { url: this.#order.url, digits: '' };
      for (let count = 0; next && count < MAX_DOCUMENTS; count += 1) {
        const document = await this.#fetch(next);
        next = await this.#follow(elementsOf(document), next.url);
      }
    } catch (error) {
      if (this.#over.signal.aborted) return;
      this.item.problem = error instanceof Error ? error.message : 'failed';
      this.#say('An application error has occurred. Goodbye.');
    }
    this.#end('completed');
  }

  async #fetch({ url, digits }: { url: string; digits: string }): Promise<Element> {
    const answer = await this.#line.post(url, {
      ...this.#fields('in-progress'),
      ...(digits ? { Digits: digits, msg: 'Gather End' } : {}),
    });
    if (answer.problem !== null) throw new Error(`No answer from the script: ${answer.problem}`);
    if (answer.status !== 200) throw new Error(`The script answered ${answer.status}.`);
    return parseTwiml(answer.body);
  }

  async #follow(verbs: readonly Element[], base: string) {
    for (const verb of verbs) {
      if (this.#over.signal.aborted || verb.name === 'Hangup') return null;
      if (verb.name === 'Say') this.#say(textOf(verb));
      else if (verb.name === 'Pause')
        await this.#pause(Number(verb.attributes['length'] ?? 1) * 1000);
      else if (verb.name === 'Redirect') return { url: absolute(textOf(verb), base), digits: '' };
      else if (verb.name === 'Gather') {
        const digits = await this.#gather(verb);
        const action = verb.attributes['action'];
        if (digits) return { url: action === undefined ? base : absolute(action, base), digits };
      } else throw new Error(`TwiML has the verb ${verb.name}, which this phone does not know.`);
    }
    return null;
  }

  /** The keys pressed; empty when none came in time. The time starts when all has been spoken. */
  async #gather(verb: Element): Promise<string> {
    const wanted = Number(verb.attributes['numDigits'] ?? 1);
    const speech = elementsOf(verb)
      .filter(({ name }) => name === 'Say')
      .map(textOf);
    this.item.listening = true;
    for (const text of speech) this.#say(text);
    if (speech.length === 0) this.#line.put(this.item);
    const speakingMs = speech.join(' ').length * 60;
    const endsAt = Date.now() + speakingMs + Number(verb.attributes['timeout'] ?? 5) * 1000;
    while (this.#unread.length < wanted && Date.now() < endsAt && !this.#over.signal.aborted)
      await this.#nextKey(endsAt - Date.now());
    this.item.listening = false;
    const digits = this.#unread.slice(0, wanted);
    this.#unread = this.#unread.slice(wanted);
    return digits;
  }

  async #nextKey(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<null>();
    this.#waitingForKeys = () => resolve(null);
    await Promise.race([promise, this.#pause(ms)]);
  }

  #say(text: string): void {
    this.item.spoken.push(text);
    this.#line.put(this.item);
  }

  #is(status: CallItem['status']): boolean {
    return this.item.status === status;
  }

  #change(status: CallItem['status']): void {
    this.item.status = status;
    this.#line.put(this.item);
  }

  #end(status: CallItem['status']): void {
    if (!this.#is('ringing') && !this.#is('in-progress')) return;
    this.item.listening = false;
    this.#change(status);
    this.#over.abort();
    this.#report('completed', status);
  }

  #report(event: string, status: string): void {
    const { statusCallback, events } = this.#order;
    const wanted = events.length > 0 ? events.includes(event) : event === 'completed';
    if (!statusCallback || !wanted || this.#line.signal.aborted) return;
    const fields = {
      ...this.#fields(status),
      ...{ Timestamp: new Date().toUTCString(), CallbackSource: 'call-progress-events' },
      SequenceNumber: `${this.#sequence++}`,
    };
    void this.#line.post(statusCallback, fields);
  }

  #fields(status: string): Record<string, string> {
    const { answeredBy } = this.item;
    return {
      ...{ AccountSid: this.#line.sid, ApiVersion: '2010-04-01', CallSid: this.item.id },
      ...{ CallStatus: status, From: this.#order.from, To: this.#order.to },
      Direction: 'outbound-api',
      ...(answeredBy === null ? {} : { AnsweredBy: answeredBy }),
    };
  }

  /** Waits; ends early, without an error, when the call is over. */
  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#over.signal, ref: false }).catch(() => undefined);
  }
}

function absolute(target: string, base: string): string {
  return new URL(target, base).href;
}
