import { pino } from 'pino';

import type {
  CallItem,
  Item,
  LedgerEntry,
  MailItem,
  PushItem,
  SmsItem,
} from '../../simulators/items.ts';
import type { Mood } from '../../simulators/moods.ts';
import { vonageCredentials } from './vonage.ts';
import { startSimulators } from '../../simulators/start-simulators.ts';
import type { SimulatorOptions } from '../../simulators/start-simulators.ts';

type MoodSetting = Pick<Mood, 'door' | 'kind'> & Partial<Mood>;
type MailAnswer = Pick<MailItem, 'problem'>;

/** Longest wait for one expectation, unless the test says otherwise. */
const WAIT_MS = 20_000;

/** Starts the simulators on free ports, and their phones, mailboxes and topics in a test's words. */
export async function startTestSimulators(options: Partial<SimulatorOptions> = {}) {
  const running = await startSimulators({
    host: '127.0.0.1',
    port: 0,
    smtpPort: 0,
    smtp2Port: 0,
    vonage: vonageCredentials(),
    vonageSmsUrl: 'http://127.0.0.1:9/inbound/vonage/sms',
    twilioSid: 'AC00000000000000000000000000000001',
    twilioToken: 'simulated-twilio-token',
    replySmtp: 'smtp://127.0.0.1:9',
    smsUrl: 'http://127.0.0.1:9/inbound/twilio/sms',
    reportEveryMs: 10,
    logger: pino({ level: 'silent' }),
    ...options,
  });
  return Object.assign(new People(running.url), {
    smtpPort: running.smtpPort,
    smtp2Port: running.smtp2Port,
    close: () => running.close(),
  });
}

/**
 * People with phones, mailboxes and topics on running simulators. An expectation takes the oldest item
 * that fits and that no expectation has taken yet, or waits for it; nothing sleeps.
 */
export class People {
  readonly url: string;
  readonly #taken = new Set<string>();
  constructor(url: string) {
    this.url = url;
  }

  phone(number: string) {
    return new Phone(this, number);
  }
  mailbox(address: string) {
    return new TestMailbox(this, address.toLowerCase());
  }
  push(topic: string) {
    return new Topic(this, topic);
  }

  async setMood(mood: MoodSetting): Promise<void> {
    await this.post('/control/moods', mood);
  }
  async resetMoods(): Promise<void> {
    await fetch(`${this.url}/control/moods`, { method: 'DELETE' });
  }
  async configure(settings: {
    smsUrl?: string;
    vonageSmsUrl?: string;
    replySmtp?: string;
  }): Promise<void> {
    await this.post('/control/settings', settings);
  }

  /** All that the simulators have seen, in the order of the last change. */
  async ledger(after = 0, waitMs = 0): Promise<readonly LedgerEntry[]> {
    const answer = await fetch(`${this.url}/control/ledger?after=${after}&waitMs=${waitMs}`);
    return ((await answer.json()) as { entries: LedgerEntry[] }).entries;
  }

  /** The first item, by its arrival, that fits and was not taken; takes it. */
  async take<T extends Item>(
    fits: (item: Item) => item is T,
    what: string,
    waitMs = WAIT_MS,
  ): Promise<T> {
    const item = await this.find(
      (entry): entry is T => fits(entry) && !this.#taken.has(entry.id),
      waitMs,
    );
    if (!item) throw new Error(`Expected ${what} within ${waitMs} ms; seen: ${await this.#seen()}`);
    this.#taken.add(item.id);
    return item;
  }

  /** The first item that fits, or undefined when none has come after `waitMs`. */
  async find<T extends Item>(
    fits: (item: Item) => item is T,
    waitMs: number,
  ): Promise<T | undefined> {
    const until = Date.now() + waitMs;
    let after = 0;
    for (;;) {
      const entries = await this.ledger(after, Math.max(0, Math.min(20_000, until - Date.now())));
      const items = entries.map(({ item }) => item).sort((a, b) => a.at.localeCompare(b.at));
      const found = items.find(fits);
      if (found || Date.now() >= until) return found;
      after = entries.at(-1)?.seq ?? after;
    }
  }

  isTaken(id: string): boolean {
    return this.#taken.has(id);
  }

  async post(path: string, body: unknown): Promise<unknown> {
    const answer = await fetch(this.url + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
    return answer.status === 204 ? null : answer.json();
  }

  async #seen(): Promise<string> {
    const items = (await this.ledger())
      .map(({ item }) => item)
      .filter(({ type }) => type !== 'callback');
    return JSON.stringify(
      items
        .slice(-10)
        .map(({ type, address, at, ...rest }) => ({ type, address, at, ...brief(rest) })),
    );
  }
}

function brief(rest: object): object {
  return Object.fromEntries(
    Object.entries(rest).filter(([key]) =>
      ['text', 'status', 'spoken', 'subject', 'mood', 'problem'].includes(key),
    ),
  );
}

abstract class Place {
  protected readonly people: People;
  protected readonly address: string;
  constructor(people: People, address: string) {
    this.people = people;
    this.address = address;
  }

  /** Waits, and fails when anything arrives here that was not expected before. */
  async expectNothing(forMs: number): Promise<void> {
    const unexpected = (item: Item): item is Item =>
      item.address === this.address && arrives(item) && !this.people.isTaken(item.id);
    const item = await this.people.find(unexpected, forMs);
    if (item) throw new Error(`Expected nothing at ${this.address}, but: ${JSON.stringify(item)}`);
  }
}

function arrives(item: Item): boolean {
  if (item.type === 'sms' || item.type === 'mail') return item.direction === 'in';
  return item.type === 'call' || item.type === 'push';
}

class Phone extends Place {
  async expectSms(text: RegExp | string = /./, waitMs?: number): Promise<ReceivedSms> {
    const fits = (item: Item): item is SmsItem =>
      item.type === 'sms' &&
      item.direction === 'in' &&
      item.address === this.address &&
      matches(item.text, text);
    return new ReceivedSms(
      this.people,
      await this.people.take(fits, `an SMS like ${text}`, waitMs),
    );
  }

  /** Waits until it rings, and answers it as a person. */
  async expectCall(waitMs?: number): Promise<AnsweredCall> {
    const call = await this.expectRinging(waitMs);
    await this.people.post(`/control/calls/${call.id}`, { do: 'answer' });
    return new AnsweredCall(this.people, call.id);
  }

  async expectRinging(waitMs?: number): Promise<CallItem> {
    const fits = (item: Item): item is CallItem =>
      item.type === 'call' && item.status === 'ringing' && item.address === this.address;
    return this.people.take(fits, `a call to ${this.address}`, waitMs);
  }

  /** Writes a text to the product. */
  async sendSms(text: string): Promise<SmsItem> {
    return (await this.people.post('/control/sms', { from: this.address, text })) as SmsItem;
  }
}

class ReceivedSms {
  readonly text: string;
  readonly item: SmsItem;
  readonly #people: People;
  constructor(people: People, item: SmsItem) {
    this.#people = people;
    this.item = item;
    this.text = item.text;
  }
  async reply(text: string): Promise<SmsItem> {
    const { address, number } = this.item;
    return (await this.#people.post('/control/sms', {
      from: address,
      to: number,
      text,
    })) as SmsItem;
  }
}

class AnsweredCall {
  readonly id: string;
  readonly #people: People;
  constructor(people: People, id: string) {
    this.#people = people;
    this.id = id;
  }

  /** Waits until this has been spoken. */
  async expectSpoken(text: RegExp | string, waitMs = WAIT_MS): Promise<this> {
    const fits = (item: Item): item is CallItem =>
      item.id === this.id && item.type === 'call' && matches(item.spoken.join('\n'), text);
    if (!(await this.#people.find(fits, waitMs))) throw await this.#failure(`to hear ${text}`);
    return this;
  }
  async press(keys: string): Promise<this> {
    await this.#people.post(`/control/calls/${this.id}`, { do: 'press', keys });
    return this;
  }
  async hangUp(): Promise<void> {
    await this.#people.post(`/control/calls/${this.id}`, { do: 'hang_up' });
  }
  async expectOver(waitMs = WAIT_MS): Promise<CallItem> {
    const fits = (item: Item): item is CallItem =>
      item.id === this.id && item.type === 'call' && item.status === 'completed';
    const item = await this.#people.find(fits, waitMs);
    if (!item) throw await this.#failure('the call to be over');
    return item;
  }
  async #failure(what: string): Promise<Error> {
    const entries = await this.#people.ledger();
    const call = entries.find(({ item }) => item.id === this.id);
    return new Error(`Expected ${what}, but: ${JSON.stringify(call?.item)}`);
  }
}

class TestMailbox extends Place {
  async expectMail(subject: RegExp | string = /./, waitMs?: number): Promise<ReceivedMail> {
    const fits = (item: Item): item is MailItem =>
      item.type === 'mail' &&
      item.direction === 'in' &&
      item.address === this.address &&
      matches(`${item.subject}\n${item.text}`, subject);
    return new ReceivedMail(
      this.people,
      await this.people.take(fits, `a mail like ${subject}`, waitMs),
    );
  }
}

class ReceivedMail {
  readonly item: MailItem;
  readonly #people: People;
  constructor(people: People, item: MailItem) {
    this.#people = people;
    this.item = item;
  }

  /** The address behind a link with this label. */
  link(label: string): string {
    const anchors = (this.item.html ?? '').matchAll(
      /<a\b[^>]*href="([^"]+)"[^>]*>([\s\S]*?)<\/a>/g,
    );
    for (const [, href = '', inner = ''] of anchors)
      if (inner.replace(/<[^>]*>/g, '').includes(label)) return href.replaceAll('&amp;', '&');
    throw new Error(`The mail has no link “${label}”: ${this.item.html ?? this.item.text}`);
  }

  /** Follows a link as a person does: opens the page, then presses its button. */
  async answer(label: string): Promise<string> {
    const url = this.link(label);
    await (await fetch(url)).text();
    return (await fetch(url, { method: 'POST' })).text();
  }

  /** Sends a reply from this mailbox; `problem` tells why it was not taken. */
  async reply(text: string): Promise<MailAnswer> {
    return (await this.#people.post(`/control/mails/${this.item.id}/reply`, {
      text,
    })) as MailAnswer;
  }
}

class Topic extends Place {
  async expectPush(text: RegExp | string = /./, waitMs?: number): Promise<ReceivedPush> {
    const fits = (item: Item): item is PushItem =>
      item.type === 'push' &&
      item.address === this.address &&
      matches(`${item.title}\n${item.text}`, text);
    return new ReceivedPush(
      this.people,
      await this.people.take(fits, `a push like ${text}`, waitMs),
    );
  }
}

class ReceivedPush {
  readonly item: PushItem;
  readonly #people: People;
  constructor(people: People, item: PushItem) {
    this.#people = people;
    this.item = item;
  }
  /** Presses the action; what came of it is the last of `pressed`. */
  async action(label: string): Promise<PushItem> {
    return (await this.#people.post(`/control/pushes/${this.item.id}/press`, {
      label,
    })) as PushItem;
  }
}

function matches(text: string, wanted: RegExp | string): boolean {
  return typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text);
}
