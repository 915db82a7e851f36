import type { ReceiptState } from '../../domain/receipt.ts';
import { awaitsReceipt } from '../../domain/responder/receipts.ts';
import { startResponder, nextWake, reduce } from '../../domain/responder/reduce.ts';
import type {
  Delivery,
  DeliveryOutcome,
  Page,
  PageStep,
  Reply,
  ResponderCommand,
  ResponderEvent,
  ResponderState,
} from '../../domain/responder/types.ts';

export const START_MS = Date.parse('2026-11-23T10:00:00.000Z');

export const iso = (ms: number): string => new Date(ms).toISOString();

export const step = (
  contactMethodId: string,
  delaySec = 0,
  channel: PageStep['channel'] = 'sms',
): PageStep => ({ contactMethodId, channel, delaySec });

/** A high-urgency page of incident `I{number}`, good for 30 minutes, by SMS at once. */
export function aPage(number: number, atMs: number, change: Partial<Page> = {}): Page {
  return {
    pageId: `I${number}/1`,
    incidentId: `I${number}`,
    incidentNumber: number,
    incidentWorkflowId: `incident/A/S/${number}`,
    title: `Disk ${number} is full`,
    serviceName: 'Storage',
    urgency: 'high',
    triggeredAt: iso(atMs),
    pagedAt: iso(atMs),
    notAfter: iso(atMs + 30 * 60_000),
    steps: [step('SMS1')],
    requireReplyCodes: false,
    traceparent: null,
    ...change,
  };
}

export function aReply(replyId: string, change: Partial<Reply> = {}): Reply {
  return {
    replyId,
    at: iso(START_MS),
    via: 'sms',
    contactMethodId: 'SMS1',
    action: 'acknowledge',
    code: null,
    ambiguous: false,
    traceparent: null,
    ...change,
  };
}

export interface SentMessage {
  readonly atMs: number;
  readonly delivery: Delivery;
}

type Deliver = (delivery: Delivery, atMs: number) => { outcome: DeliveryOutcome; afterMs: number };

const accept: Deliver = (_, atMs) => ({
  outcome: { result: 'accepted', at: iso(atMs), provider: 'fake', providerId: 'X' },
  afterMs: 300,
});

/** What vendors report of messages that they took. */
export interface Vendors {
  /** Reports that come by themselves, so long after the acceptance (less than nothing: before it). */
  readonly report: (
    delivery: Delivery,
  ) => readonly { readonly state: ReceiptState; readonly afterMs: number }[];
  /** What they answer when asked. */
  readonly answer: (deliveryId: string) => ReceiptState | null;
}

/** A responder with a clock, and contact methods that answer as told; events take their turn in time. */
export class ResponderWorld {
  state: ResponderState = startResponder({ accountId: 'A', userId: 'U' }, uuid(0));
  nowMs = START_MS;
  readonly sent: SentMessage[] = [];
  readonly commands: ResponderCommand[] = [];
  /** Sees every state after a decision. */
  watch: (world: ResponderWorld) => void = () => undefined;
  private decisions = 0;
  private readonly landing: { atMs: number; event: ResponderEvent }[] = [];
  private readonly deliver: Deliver;
  private readonly vendors: Vendors | null;
  /** Without vendors nobody awaits receipts. */
  constructor(deliver: Deliver = accept, vendors: Vendors | null = null) {
    this.deliver = deliver;
    this.vendors = vendors;
  }

  happen(event: ResponderEvent): readonly ResponderCommand[] {
    this.decisions += 1;
    const moment = { nowMs: this.nowMs, chance: uuid(this.decisions) };
    const decision = reduce(this.state, event, moment);
    this.state = decision.state;
    this.commands.push(...decision.commands);
    for (const command of decision.commands) {
      if (command.type === 'deliver') this.send(command);
      if (command.type === 'askReceipt') this.ask(command.deliveryId);
    }
    this.watch(this);
    return decision.commands;
  }

  private send({ delivery }: Extract<ResponderCommand, { type: 'deliver' }>): void {
    this.sent.push({ atMs: this.nowMs, delivery });
    const { outcome, afterMs } = this.deliver(delivery, this.nowMs);
    const { deliveryId } = delivery;
    const awaits = this.vendors !== null && awaitsReceipt(delivery, outcome);
    this.land(afterMs, { type: 'delivered', deliveryId, outcome, awaitsReceipt: awaits });
    for (const one of outcome.result === 'accepted' ? (this.vendors?.report(delivery) ?? []) : []) {
      const wait = Math.max(0, afterMs + one.afterMs);
      this.land(wait, { type: 'receipt', deliveryId, state: one.state });
    }
  }

  private ask(deliveryId: string): void {
    const state = this.vendors?.answer(deliveryId) ?? null;
    if (state !== null) this.land(200, { type: 'receipt', deliveryId, state });
  }

  private land(afterMs: number, event: ResponderEvent): void {
    this.landing.push({ atMs: this.nowMs + afterMs, event });
    this.landing.sort((a, b) => a.atMs - b.atMs);
  }

  /** Lets time pass: deliveries land and ticks come when the responder asks for them. */
  pass(ms: number): void {
    const until = this.nowMs + ms;
    for (let round = 0; round < 20_000; round++) {
      const wake = nextWake(this.state, this.nowMs) ?? Infinity;
      const landing = this.landing[0]?.atMs ?? Infinity;
      const next = Math.min(wake, landing);
      if (next > until) break;
      this.nowMs = Math.max(this.nowMs, next);
      this.happen(landing <= wake ? (this.landing.shift()?.event ?? tick) : tick);
    }
    this.nowMs = until;
  }

  get pages(): readonly { atMs: number; ids: readonly string[]; method: string; code: string }[] {
    return this.sent.flatMap(({ atMs, delivery }) =>
      delivery.message.kind === 'page'
        ? [
            {
              atMs: atMs - START_MS,
              ids: delivery.message.pages.map((page) => page.incidentId),
              method: delivery.contactMethodId,
              code: delivery.message.code,
            },
          ]
        : [],
    );
  }

  get notices(): readonly string[] {
    return this.sent.flatMap(({ delivery }) =>
      delivery.message.kind === 'reply_result' ? [delivery.message.text] : [],
    );
  }
}

const tick = { type: 'tick' } as const;

/** A UUID-like text that is spread over all digits; the same number gives the same text. */
export function uuid(number: number): string {
  const digits = Array.from({ length: 4 }, (_, word) => {
    let value = Math.imul(number + 1, 0x9e3779b1) ^ Math.imul(word + 1, 0x85ebca6b);
    value = Math.imul(value ^ (value >>> 16), 0x7feb352d);
    value = Math.imul(value ^ (value >>> 15), 0x846ca68b);
    return ((value ^ (value >>> 16)) >>> 0).toString(16).padStart(8, '0');
  }).join('');
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `4${digits.slice(12, 15)}`,
    `8${digits.slice(15, 18)}`,
    digits.slice(18, 30),
  ].join('-');
}
