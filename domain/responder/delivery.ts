import type { Channel, Urgency } from '../model.ts';

/** A message that the `deliver` activity carries to one contact method. One file a kind in providers/. */
export type Message =
  | {
      readonly kind: 'page';
      readonly pages: readonly PageSummary[];
      /** All open pages of the user, of which `pages` may be a part: the right count. */
      readonly openCount: number;
      /** Acts on exactly `pages`. */
      readonly code: string;
      readonly codeDemanded: boolean;
    }
  | { readonly kind: 'reply_result'; readonly text: string }
  | { readonly kind: 'verification'; readonly code: string; readonly accountName: string };

export interface PageSummary {
  readonly pageId: string;
  readonly incidentId: string;
  readonly incidentNumber: number;
  readonly title: string;
  readonly serviceName: string;
  readonly urgency: Urgency;
  readonly triggeredAt: string;
  /** Nothing was sent before for this trigger, and nothing holds it back: its age is the paging latency. */
  readonly first?: boolean;
}

/** Argument of the `deliver` activity. */
export interface Delivery {
  /** `{workflowId}/{counter}`: the idempotency key towards the provider. */
  readonly deliveryId: string;
  readonly accountId: string;
  readonly userId: string;
  readonly contactMethodId: string;
  readonly channel: Channel;
  readonly message: Message;
  readonly notAfter: string;
  readonly traceparent: string | null;
  /**
   * Ids of providers that took an earlier copy and of which nothing was heard. They are not asked; with no
   * other provider the outcome is `failed`, so that the next contact method has its turn.
   */
  readonly avoidProviders?: readonly string[];
  /** How many messages of the same channel leave for the person at the same time before this one; absent: none. */
  readonly turn?: number;
}

/** What became of a delivery. The activity never throws for what a next contact method can mend. */
export type DeliveryOutcome =
  | {
      readonly result: 'accepted';
      readonly at: string;
      readonly provider: string;
      readonly providerId: string;
      /** A try before this one was cut off: it may have reached the person as well. */
      readonly isRepeat?: boolean;
      /** Providers that were asked first and failed; absent: none. */
      readonly after?: readonly FailedProvider[];
    }
  /** Permanent for this contact method (bad number, opted out, not verified, gone): go to the next one. */
  | {
      readonly result: 'rejected';
      readonly at: string;
      readonly provider: string | null;
      readonly reason: string;
      readonly failure: string;
    }
  /** Every provider of the channel failed; it may work later. */
  | {
      readonly result: 'failed';
      readonly at: string;
      readonly provider: string | null;
      readonly reason: string;
      readonly failure: string;
    }
  /** Answered, resolved or past its `notAfter` when looked at right before the send. */
  | { readonly result: 'stale'; readonly at: string };

/** A provider that did not take a message, and why, in a word of `FailureKind`. */
export interface FailedProvider {
  readonly provider: string;
  readonly failure: string;
}
