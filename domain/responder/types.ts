import type { StopOutcome } from '../incident/types.ts';
import type { Channel, Urgency } from '../model.ts';

/** Argument of the `responder` workflow: one for each user who has, or lately had, open pages. */
export interface ResponderInput {
  readonly accountId: string;
  readonly userId: string;
  readonly carried?: ResponderState;
}

/** The `page` signal: this incident wants this user. Sent by the incident's `page` local activity. */
export interface Page {
  /** `{incidentId}/{commandId}`: a page that arrives twice is one page. */
  readonly pageId: string;
  readonly incidentId: string;
  readonly incidentNumber: number;
  readonly incidentWorkflowId: string;
  readonly title: string;
  readonly serviceName: string;
  readonly urgency: Urgency;
  readonly triggeredAt: string;
  readonly pagedAt: string;
  /** After this instant nothing is sent for this page: the next step has taken over. */
  readonly notAfter: string;
  /** The user's notification rules for this urgency when paged, in order of delay; verified methods only. */
  readonly steps: readonly PageStep[];
  /** With true, a bare reply never counts. */
  readonly requireReplyCodes: boolean;
  readonly traceparent: string | null;
}

export interface PageStep {
  readonly contactMethodId: string;
  readonly channel: Channel;
  readonly delaySec: number;
}

/** The `stop` signal: somebody answered, or the incident moved on. */
export interface StopPages {
  readonly incidentId: string;
  readonly outcome: StopOutcome;
}

/** The `reply` signal: what a person typed or pressed, or the link they followed. */
export interface Reply {
  /** The vendor's message or call id, the mail's Message-ID, or the link's token id. Seen once only. */
  readonly replyId: string;
  readonly at: string;
  readonly via: 'sms' | 'voice' | 'email_link' | 'email_reply' | 'push' | 'webhook';
  readonly contactMethodId: string | null;
  readonly action: 'acknowledge' | 'resolve' | 'escalate';
  /** The code in the text or token; null for a bare reply. */
  readonly code: string | null;
  /** The sender's number belongs to people of several accounts: a bare reply cannot be attributed. */
  readonly ambiguous: boolean;
  readonly traceparent: string | null;
}

/** The `optOut` signal: STOP (true) or START (false). */
export interface OptOut {
  readonly contactMethodId: string;
  readonly optedOut: boolean;
  readonly at: string;
}

/** What the `replyOutcome` query tells about a reply id; null while it is unknown. */
export interface ReplyOutcome {
  readonly result:
    | 'accepted'
    | 'already_answered'
    | 'code_needed'
    | 'unknown_code'
    | 'nothing_open'
    | 'locked_out';
  /** For people, in a sentence, naming the incidents. */
  readonly text: string;
}

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
}

/** What became of a delivery. The activity never throws for what a next contact method can mend. */
export type DeliveryOutcome =
  | {
      readonly result: 'accepted';
      readonly at: string;
      readonly provider: string;
      readonly providerId: string;
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

/** The responder's state: JSON only. The reducer's author owns its shape; these parts others read. */
export interface ResponderState {
  readonly accountId: string;
  readonly userId: string;
  readonly pages: readonly OpenPage[];
  readonly nextDelivery: number;
  readonly outbox: readonly import('../incident/types.ts').LogEntry[];
}

export interface OpenPage extends Page {
  readonly status: 'open' | 'answered' | 'stopped';
}
