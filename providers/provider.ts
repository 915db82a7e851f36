import type { Channel } from '../domain/model.ts';
import type { ReceiptState } from '../domain/receipt.ts';

/** Where a telephony vendor reports to; each adapter knows its own paths below it. */
export interface Callbacks {
  /** PUBLIC_URL without a slash at the end. */
  readonly publicUrl: string;
  /** `Delivery.deliveryId`, when its responder waits for the reports; null: nobody does. */
  readonly deliveryId: string | null;
}

/** Text already rendered for one channel, with the addresses at which it can be answered. */
export type Outgoing =
  | {
      readonly channel: 'sms';
      readonly to: string;
      readonly text: string;
      /** Null: no reports are wanted. */
      readonly callbacks: Callbacks | null;
    }
  | {
      readonly channel: 'voice';
      readonly to: string;
      /** What is said when the call is picked up: fetched by the signed token `script`, or these words, twice. */
      readonly speech:
        { readonly script: string; readonly callbacks: Callbacks } | { readonly words: string };
    }
  | {
      readonly channel: 'email';
      readonly to: string;
      readonly subject: string;
      readonly text: string;
      readonly html: string;
      readonly replyTo: string | null;
    }
  | {
      readonly channel: 'push';
      readonly to: string;
      readonly title: string;
      readonly text: string;
      readonly urgent: boolean;
      readonly actions: readonly { readonly label: string; readonly url: string }[];
    }
  | {
      readonly channel: 'webhook';
      readonly to: string;
      readonly secret: string;
      readonly body: unknown;
    };

/** Closed list: it labels the failure metric and decides what happens next. */
export type FailureKind =
  | 'InvalidDestination'
  | 'ProviderRejected'
  | 'AuthFailed'
  | 'ConfigMissing'
  | 'RateLimited'
  | 'ProviderUnavailable'
  | 'Timeout';

/** What every adapter throws. `message` holds no secret and no whole address. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError';
  readonly kind: FailureKind;
  readonly retryAfterMs: number | null;
  constructor(
    kind: FailureKind,
    message: string,
    options?: { cause?: unknown; retryAfterMs?: number },
  ) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.retryAfterMs = options?.retryAfterMs ?? null;
  }
}

export interface Sent {
  /** The vendor's id of the message or call. */
  readonly providerId: string;
}

/** One adapter to one vendor account. `key` is the same on every try of one delivery. */
export interface Provider {
  /** Name in configuration, metrics and log entries, unique in its channel. */
  readonly id: string;
  readonly channels: readonly Channel[];
  send(message: Outgoing, key: string): Promise<Sent>;
  /**
   * Asks the vendor how far a message or call has come; null when it does not say. Absent: the vendor
   * cannot be asked.
   * @throws DeliveryError
   */
  receipt?(channel: Channel, providerId: string): Promise<ReceiptState | null>;
  /**
   * Asks the vendor for something cheap, to know whether it is well; sends nothing to anybody. Absent: each
   * message goes to a host of its own, so that one says nothing about another, and there is no breaker.
   * @throws DeliveryError
   */
  check?(channel: Channel): Promise<void>;
  /** Ends connections that it keeps. */
  close(): Promise<void>;
}

/** The providers of each channel, in the order in which they are tried. */
export type ProviderList = Readonly<Record<Channel, readonly Provider[]>>;
