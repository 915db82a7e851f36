import type { Activities, ProjectionBatch, ReceiptQuery } from '../../activities/contract.ts';
import type { Answer, Unreachable } from '../../domain/incident/types.ts';
import type { ReceiptState } from '../../domain/receipt.ts';
import type { Delivery, DeliveryOutcome, Message } from '../../domain/responder/types.ts';

type PageMessage = Extract<Message, { kind: 'page' }> & { readonly contactMethodId: string };

/** Stands in for the activities of the responder: remembers what it was asked, answers as told. */
export class ResponderActivities {
  readonly deliveries: Delivery[] = [];
  readonly answers: Answer[] = [];
  readonly unreachable: Unreachable[] = [];
  readonly batches: ProjectionBatch[] = [];
  /** What becomes of a delivery; it may wait. */
  deliver: (delivery: Delivery) => DeliveryOutcome | Promise<DeliveryOutcome> = () =>
    outcome('accepted');
  /** Throws while the database is away. */
  onProject: () => void = () => undefined;
  readonly asked: ReceiptQuery[] = [];
  /** What a vendor says when it is asked how far a message came. */
  receipt: ReceiptState | null = 'delivered';

  readonly activities = {
    deliver: async (delivery: Delivery): Promise<DeliveryOutcome> => {
      this.deliveries.push(delivery);
      return this.deliver(delivery);
    },
    receiptOf: (query: ReceiptQuery): Promise<ReceiptState | null> => {
      this.asked.push(query);
      return Promise.resolve(this.receipt);
    },
    signalAnswer: (_: string, answer: Answer) => Promise.resolve(this.answers.push(answer) > 0),
    signalUnreachable: (_: string, report: Unreachable) =>
      Promise.resolve(this.unreachable.push(report) > 0),
    project: (batch: ProjectionBatch) => {
      this.onProject();
      this.batches.push(batch);
      return Promise.resolve();
    },
  } satisfies Partial<Activities>;

  get pages(): readonly PageMessage[] {
    return this.deliveries.flatMap(({ message, contactMethodId }) =>
      message.kind === 'page' ? [{ ...message, contactMethodId }] : [],
    );
  }

  get notices(): readonly string[] {
    return this.deliveries.flatMap(({ message }) =>
      message.kind === 'reply_result' ? [message.text] : [],
    );
  }
}

/** A plausible outcome of each kind. */
export function outcome(result: DeliveryOutcome['result']): DeliveryOutcome {
  const at = '2026-11-23T10:00:00.000Z';
  if (result === 'accepted') return { result, at, provider: 'fake', providerId: 'X' };
  if (result === 'stale') return { result, at };
  return { result, at, provider: 'fake', reason: 'bad number', failure: 'InvalidDestination' };
}

/** Taken by `fake`, and what must avoid it by `other`. */
export function byOther({ avoidProviders }: Delivery): DeliveryOutcome {
  const provider = avoidProviders?.includes('fake') === true ? 'other' : 'fake';
  return { result: 'accepted', at: '2026-11-23T10:00:00.000Z', provider, providerId: 'X' };
}
