import { MAX_SCRIPTS, PhoneCall } from '../phone-call.ts';
import type { CallBasics, Happening, Line } from '../phone-call.ts';
import { newSid } from './sid.ts';
import type { WebhookAnswer } from './signed-post.ts';
import { elementsOf, parseTwiml, textOf } from './twiml.ts';
import type { Element } from './twiml.ts';

/** An order of `POST Calls.json`. */
export interface CallOrder extends CallBasics {
  /** Empty: `twiml` says it all. */
  readonly url: string;
  readonly twiml: string;
  readonly statusCallback: string;
  readonly events: readonly string[];
}

interface TwilioLine extends Line {
  readonly sid: string;
  readonly post: (url: string, fields: Readonly<Record<string, string>>) => Promise<WebhookAnswer>;
}

/** A call that follows its TwiML and reports in Twilio’s words. */
export class SimulatedCall extends PhoneCall {
  readonly #order: CallOrder;
  readonly #line: TwilioLine;
  #sequence = 0;

  constructor(order: CallOrder, line: TwilioLine) {
    super(newSid('CA'), order, line);
    this.#order = order;
    this.#line = line;
  }

  protected override async follow(): Promise<void> {
    const { url, twiml } = this.#order;
    let next: { url: string; digits: string } | null = { url, digits: '' };
    for (let count = 0; next && count < MAX_SCRIPTS; count += 1) {
      const document = next.url === '' ? parseTwiml(twiml) : await this.#fetch(next);
      next = await this.#perform(elementsOf(document), next.url);
    }
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

  async #perform(verbs: readonly Element[], base: string) {
    for (const verb of verbs) {
      if (this.isOver() || verb.name === 'Hangup') return null;
      if (verb.name === 'Say') this.say(textOf(verb));
      else if (verb.name === 'Pause')
        await this.pause(Number(verb.attributes['length'] ?? 1) * 1000);
      else if (verb.name === 'Redirect') return { url: absolute(textOf(verb), base), digits: '' };
      else if (verb.name === 'Gather') {
        const digits = await this.#gather(verb);
        const action = verb.attributes['action'];
        if (digits) return { url: action === undefined ? base : absolute(action, base), digits };
      } else throw new Error(`TwiML has the verb ${verb.name}, which this phone does not know.`);
    }
    return null;
  }

  #gather(verb: Element): Promise<string> {
    const wanted = Number(verb.attributes['numDigits'] ?? 1);
    const timeoutSec = Number(verb.attributes['timeout'] ?? 5);
    const speech = elementsOf(verb)
      .filter(({ name }) => name === 'Say')
      .map(textOf);
    return this.listen(speech, { wanted, timeoutSec });
  }

  protected override report(happening: Happening): void {
    const { statusCallback, events } = this.#order;
    const event = happening === 'ended' ? 'completed' : happening;
    const wanted = events.length > 0 ? events.includes(event) : event === 'completed';
    if (!statusCallback || !wanted) return;
    const fields = {
      ...this.#fields(happening === 'initiated' ? 'queued' : this.item.status),
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
}

function absolute(target: string, base: string): string {
  return new URL(target, base).href;
}
