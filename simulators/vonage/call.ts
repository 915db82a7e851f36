import { randomUUID } from 'node:crypto';

import { z } from 'zod';

import { MAX_SCRIPTS, PhoneCall } from '../phone-call.ts';
import type { CallBasics, Happening, Line } from '../phone-call.ts';
import type { WebhookAnswer } from './signed-post.ts';

/** An order of `POST /v1/calls`. */
export interface CallOrder extends CallBasics {
  /** Where it is fetched, or what it says. */
  readonly script: string | Ncco;
  readonly eventUrl: string | null;
}

interface VonageLine extends Line {
  readonly post: (url: string, content: object) => Promise<WebhookAnswer>;
}

const talk = z.object({
  action: z.literal('talk'),
  text: z.string().min(1).max(1500),
  bargeIn: z.boolean().default(false),
  loop: z.number().int().min(1).max(10).default(1),
});
const input = z.object({
  action: z.literal('input'),
  type: z.array(z.literal('dtmf')).length(1),
  dtmf: z.object({
    maxDigits: z.number().int().min(1).max(20).default(4),
    timeOut: z.number().int().min(0).max(10).default(3),
  }),
  eventUrl: z.array(z.url()).length(1),
  eventMethod: z.literal('POST'),
});
/** A call's script, as far as this phone knows it. */
export const ncco = z.array(z.discriminatedUnion('action', [talk, input])).max(20);
type Ncco = z.infer<typeof ncco>;

/** A call that follows its NCCO and reports in Vonage’s words. */
export class SimulatedCall extends PhoneCall {
  readonly #order: CallOrder;
  readonly #line: VonageLine;
  readonly #conversation = `CON-${randomUUID()}`;

  constructor(order: CallOrder, line: VonageLine) {
    super(randomUUID(), order, line);
    this.#order = order;
    this.#line = line;
  }

  /** The call in the vendor's JSON. */
  resource(): object {
    const direction = 'outbound';
    const status = vendorStatus(this.item.status, this.item.answeredBy);
    return {
      ...{ uuid: this.item.id, conversation_uuid: this.#conversation, status, direction },
      to: { type: 'phone', number: digits(this.#order.to) },
      from: { type: 'phone', number: digits(this.#order.from) },
    };
  }

  protected override async follow(): Promise<void> {
    const { script: first } = this.#order;
    let script: Ncco | null = typeof first === 'string' ? await this.#fetch(first, {}) : first;
    for (let count = 1; script && count < MAX_SCRIPTS; count += 1)
      script = await this.#perform(script);
  }

  async #fetch(url: string, extra: object): Promise<Ncco> {
    const content = { ...this.#common(), ...extra, timestamp: new Date().toISOString() };
    const answer = await this.#line.post(url, content);
    if (answer.problem !== null) throw new Error(`No answer from the script: ${answer.problem}`);
    if (answer.status !== 200) throw new Error(`The script answered ${answer.status}.`);
    return ncco.parse(JSON.parse(answer.body));
  }

  /** @returns the script that follows; null at the end. */
  async #perform(script: Ncco): Promise<Ncco | null> {
    for (const [index, action] of script.entries()) {
      if (this.isOver()) return null;
      const next = script[index + 1];
      if (action.action === 'talk') {
        // Keys pressed while it talks count where an input follows: that one says it then.
        if (!(action.bargeIn && next?.action === 'input'))
          for (let time = 0; time < action.loop; time += 1) this.say(action.text);
        continue;
      }
      const before = script[index - 1];
      const speech = before?.action === 'talk' && before.bargeIn ? [before.text] : [];
      const pressed = await this.listen(speech, {
        wanted: action.dtmf.maxDigits,
        timeoutSec: action.dtmf.timeOut,
      });
      if (this.isOver()) return null;
      const dtmf = { digits: pressed, timed_out: pressed === '' };
      return this.#fetch(action.eventUrl[0] ?? '', { dtmf });
    }
    return null;
  }

  protected override report(happening: Happening): void {
    const { item } = this;
    this.#send(happening === 'initiated' ? 'started' : vendorStatus(item.status, null));
    if (happening === 'answered' && item.answeredBy === 'machine_start') this.#send('machine');
    if (happening === 'answered' && item.answeredBy === 'human') this.#send('human');
  }

  #send(status: string): void {
    const { eventUrl } = this.#order;
    if (eventUrl === null) return;
    const timestamp = new Date().toISOString();
    const event = { ...this.#common(), status, direction: 'outbound', timestamp };
    void this.#line.post(eventUrl, event);
  }

  #common(): object {
    const { to, from } = this.#order;
    const ids = { uuid: this.item.id, conversation_uuid: this.#conversation };
    return { ...ids, to: digits(to), from: digits(from) };
  }
}

const STATUSES = {
  ...{ queued: 'started', ringing: 'ringing', 'in-progress': 'answered', completed: 'completed' },
  ...{ busy: 'busy', failed: 'failed', 'no-answer': 'unanswered' },
} as const;

function vendorStatus(status: keyof typeof STATUSES, answeredBy: string | null): string {
  return status === 'in-progress' && answeredBy === 'machine_start' ? 'machine' : STATUSES[status];
}

function digits(number: string): string {
  return number.replace(/^\+/, '');
}
