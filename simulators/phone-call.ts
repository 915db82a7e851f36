import { setTimeout as sleep } from 'node:timers/promises';

import type { CallItem, Telephony } from './items.ts';
import type { Mood } from './moods.ts';

/** Scripts of one call; one that leads on for ever is cut off here. */
export const MAX_SCRIPTS = 30;
const MAX_KEYS = 32;

/** What every vendor knows of a call that it was asked to make. */
export interface CallBasics {
  readonly to: string;
  readonly from: string;
  readonly detectMachine: boolean;
  readonly ringSec: number;
}

/** What a call needs of the vendor’s account. */
export interface Line {
  readonly vendor: Telephony;
  readonly put: (item: CallItem) => void;
  readonly signal: AbortSignal;
  readonly reportEveryMs: number;
  readonly mood: Mood;
}

/** What happens to a call, for a vendor to report in its own words. */
export type Happening = 'initiated' | 'ringing' | 'answered' | 'ended';

/**
 * One call from the order to its end: it rings, is answered or not, and a person presses keys. What is said,
 * and how all this is reported, is the vendor’s.
 */
export abstract class PhoneCall {
  readonly item: CallItem;
  readonly #over = new AbortController();
  readonly #order: CallBasics;
  readonly #line: Line;
  #waitingForKeys: (() => void) | null = null;
  #unread = '';

  constructor(id: string, order: CallBasics, line: Line) {
    this.#order = order;
    this.#line = line;
    this.item = {
      ...{
        type: 'call',
        vendor: line.vendor,
        id,
        at: new Date().toISOString(),
        address: order.to,
        number: order.from,
      },
      ...{ status: 'queued', spoken: [], listening: false, keys: '', answeredBy: null },
      problem: null,
    };
    line.put(this.item);
    line.signal.addEventListener('abort', () => this.#over.abort(), { once: true });
  }

  /** Follows the vendor’s scripts to their end. */
  protected abstract follow(): Promise<void>;
  protected abstract report(happening: Happening): void;

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

  protected isOver(): boolean {
    return this.#over.signal.aborted;
  }

  protected say(text: string): void {
    this.item.spoken.push(text);
    this.#line.put(this.item);
  }

  /** The keys pressed; empty when none came in time. The time starts when all has been spoken. */
  protected async listen(
    speech: readonly string[],
    { wanted, timeoutSec }: { readonly wanted: number; readonly timeoutSec: number },
  ): Promise<string> {
    this.item.listening = true;
    for (const text of speech) this.say(text);
    if (speech.length === 0) this.#line.put(this.item);
    const speakingMs = speech.join(' ').length * 60;
    const endsAt = Date.now() + speakingMs + timeoutSec * 1000;
    while (this.#unread.length < wanted && Date.now() < endsAt && !this.#over.signal.aborted)
      await this.#nextKey(endsAt - Date.now());
    this.item.listening = false;
    const digits = this.#unread.slice(0, wanted);
    this.#unread = this.#unread.slice(wanted);
    return digits;
  }

  /** Waits; ends early, without an error, when the call is over. */
  protected async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#over.signal, ref: false }).catch(() => undefined);
  }

  async #ring(): Promise<void> {
    this.#tell('initiated');
    await this.pause(this.#line.reportEveryMs);
    this.#change('ringing');
    this.#tell('ringing');
    if (this.#line.mood.kind === 'machine') this.answer('machine_start');
    else await this.pause(this.#order.ringSec * 1000);
    if (this.#is('ringing')) this.#end('no-answer');
  }

  async #talk(): Promise<void> {
    this.#tell('answered');
    try {
      await this.follow();
    } catch (error) {
      if (this.#over.signal.aborted) return;
      this.item.problem = error instanceof Error ? error.message : 'failed';
      this.say('An application error has occurred. Goodbye.');
    }
    this.#end('completed');
  }

  async #nextKey(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<null>();
    this.#waitingForKeys = () => resolve(null);
    await Promise.race([promise, this.pause(ms)]);
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
    this.#tell('ended');
  }

  #tell(happening: Happening): void {
    if (this.#line.mood.kind !== 'silent' && !this.#line.signal.aborted) this.report(happening);
  }
}
