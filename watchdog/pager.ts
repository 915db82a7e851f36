import { Counter } from 'prom-client';

import type { Logger } from '../platform/logger.ts';
import type { Outgoing, ProviderList } from '../providers/provider.ts';
import type { Contact } from './contacts.ts';

/** Longest that one provider may take. */
const SEND_LIMIT_MS = 5500;
/** Messages that wait for a provider at most; beyond it the oldest is dropped. */
const MAX_WAITING = 100;
/** A message that nobody took for this long is dropped: newer ones say more. */
const LIFE_MS = 30 * 60_000;

const sent = new Counter({
  name: 'pdlite_watchdog_messages_total',
  help: 'Messages of the watchdog, by channel and outcome.',
  labelNames: ['channel', 'outcome'] as const,
});

interface Waiting {
  readonly contact: Contact;
  readonly title: string;
  readonly text: string;
  readonly key: string;
  readonly until: number;
}

export interface PagerDeps {
  readonly providers: ProviderList;
  readonly contacts: readonly Contact[];
  readonly logger: Logger;
}

/** Tells every contact by the providers of the contact's channel in turn, and tries again until one took it. */
export class Pager {
  readonly #deps: PagerDeps;
  #waiting: readonly Waiting[] = [];

  constructor(deps: PagerDeps) {
    this.#deps = deps;
  }

  add(message: { readonly title: string; readonly text: string }, now: number): void {
    const added = this.#deps.contacts.map((contact, n) => ({
      ...message,
      ...{ contact, key: `watchdog-${now}-${n}`, until: now + LIFE_MS },
    }));
    this.#waiting = [...this.#waiting, ...added].slice(-MAX_WAITING);
  }

  /** One try for everything that waits. */
  async flush(now: number): Promise<void> {
    const due = this.#waiting.filter(({ until }) => until > now);
    this.#waiting = [];
    const left = await Promise.all(
      due.map(async (item) => ((await this.#send(item)) ? [] : [item])),
    );
    this.#waiting = [...left.flat(), ...this.#waiting];
  }

  async #send({ contact, title, text, key }: Waiting): Promise<boolean> {
    const { providers, logger } = this.#deps;
    const { channel } = contact;
    for (const provider of providers[channel]) {
      try {
        await within(provider.send(outgoing(contact, title, text), key));
        sent.inc({ channel, outcome: 'accepted' });
        logger.info({ channel, provider: provider.id, contact: contact.name }, 'contact told');
        return true;
      } catch (error) {
        sent.inc({ channel, outcome: 'failed' });
        logger.warn({ channel, provider: provider.id, err: error }, 'provider failed');
      }
    }
    return false;
  }
}

function within<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), SEND_LIMIT_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function outgoing({ channel, address: to }: Contact, title: string, text: string): Outgoing {
  switch (channel) {
    case 'sms':
      return { channel, to, text: `${title}\n${text}`.slice(0, 450), callbacks: null };
    case 'voice':
      return { channel, to, speech: { words: title } };
    case 'email':
      return {
        channel,
        to,
        subject: title,
        text,
        html: `<pre>${escaped(text)}</pre>`,
        replyTo: null,
      };
    case 'push':
      return { channel, to, title, text, urgent: true, actions: [] };
  }
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
