import type { Answer, LogEntry, StopOutcome, Unreachable } from '../incident/types.ts';
import type { Channel, Urgency } from '../model.ts';
import type { ReceiptState } from '../receipt.ts';
import type { Delivery, DeliveryOutcome } from './delivery.ts';

export type * from './delivery.ts';

/** Argument of the `responder` workflow: one for each user who has, or lately had, open pages. */
export interface ResponderInput {
  readonly accountId: string;
  readonly userId: string;
  /** Events after which a run sends nothing new until it can start a fresh history; absent: 10,000. */
  readonly historyLimit?: number;
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
  /** The paged user's name, for «acknowledged by …»; absent: the user id is shown. */
  readonly userName?: string;
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
  /** The command up to which pages stop: one that was commanded later goes on. Absent: all stop. */
  readonly upTo?: string;
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

/** The responder's state: JSON only, every list bounded by `limits.ts`; carried whole through continue-as-new. */
export interface ResponderState {
  readonly accountId: string;
  readonly userId: string;
  /** For people; the user id until a page brought the name. */
  readonly userName: string;
  /** Chance text of this execution: keeps delivery and log entry ids unique over the executions of one workflow id. */
  readonly instance: string;
  /** Open pages only, oldest first, at most one for an incident. */
  readonly pages: readonly OpenPage[];
  readonly seenPages: readonly string[];
  readonly nextDelivery: number;
  readonly nextLogSeq: number;
  /** Log entries that are not yet projected, oldest first. */
  readonly outbox: readonly LogEntry[];
  readonly methods: readonly MethodState[];
  /** What codes can act on, open and closed. */
  readonly incidents: readonly KnownIncident[];
  readonly codes: readonly IssuedCode[];
  readonly replies: readonly SeenReply[];
  /** Milliseconds since 1970, within the last hour. */
  readonly wrongCodesMs: readonly number[];
  readonly lockedUntilMs: number;
  /** Accepted messages of open pages of high urgency, oldest first. */
  readonly awaited?: readonly AwaitedReceipt[];
}

/** A message that a provider took, and how far it came. Instants are milliseconds since 1970. */
export interface AwaitedReceipt {
  readonly deliveryId: string;
  readonly contactMethodId: string;
  readonly channel: Channel;
  readonly provider: string;
  readonly providerId: string;
  readonly items: readonly DueItem[];
  readonly acceptedMs: number;
  /** The provider was asked. */
  readonly asked: boolean;
  readonly receipt: ReceiptState | null;
  /** Something else was done instead, once: no further report changes it. */
  readonly over: boolean;
  /** The person may have two copies already. */
  readonly isRepeat?: boolean;
}

/** A page that nobody has answered. */
export interface OpenPage extends Page {
  readonly notAfterMs: number;
  /** One for each of `steps`, in their order. */
  readonly progress: readonly StepProgress[];
  /** The incident was told that no step got through. */
  readonly reported: boolean;
}

export interface StepProgress {
  readonly state: 'waiting' | 'sending' | 'accepted' | 'rejected' | 'failed' | 'skipped';
  /** Milliseconds since 1970. */
  readonly dueMs: number;
  /** How often a provider was asked in vain. */
  readonly tries: number;
  /** It goes, or went, out a second time: not by this provider, which said nothing or that it failed. */
  readonly again?: { readonly avoid: string; readonly isSilent: boolean };
}

/** What the responder remembers of one contact method. Instants are milliseconds since 1970. */
export interface MethodState {
  readonly contactMethodId: string;
  readonly channel: Channel;
  readonly tokens: number;
  readonly tokensMs: number;
  /** Sends of the last three hours, as many as the channel's largest limit. */
  readonly sentMs: readonly number[];
  readonly inFlight: InFlight | null;
  /** Answers to replies that wait to be sent. */
  readonly notices: readonly string[];
  /** When notices about refused replies were queued, within the last hour. */
  readonly noticesMs: readonly number[];
  readonly optedOut: boolean;
}

/** The one message under way. Empty `items`: a notice. */
export interface InFlight {
  readonly deliveryId: string;
  readonly items: readonly DueItem[];
  /** A report that was quicker than the provider's own answer. */
  readonly receipt?: ReceiptState;
}

/** One step of one page that goes into a message. */
export interface DueItem {
  readonly pageId: string;
  readonly incidentId: string;
  readonly step: number;
}

export interface KnownIncident {
  readonly incidentId: string;
  readonly incidentNumber: number;
  readonly incidentWorkflowId: string;
  readonly title: string;
  /** The last page of it. */
  readonly pageId: string;
  /** Null while its page is open. */
  readonly closed: StopOutcome | null;
}

export interface IssuedCode {
  readonly code: string;
  readonly contactMethodId: string;
  readonly issuedMs: number;
  readonly incidentIds: readonly string[];
}

export interface SeenReply {
  readonly replyId: string;
  readonly outcome: ReplyOutcome;
}

/** Everything that can happen to a responder; the reducer's input. */
export type ResponderEvent =
  | { readonly type: 'page'; readonly page: Page }
  | { readonly type: 'stop'; readonly stop: StopPages }
  /** See `isAboutEarlier`; absent in histories of before it was looked at. */
  | {
      readonly type: 'reply';
      readonly reply: Reply;
      readonly isAboutEarlier?: boolean;
      /** See `isTooSoon`; absent likewise. */
      readonly isTooSoon?: boolean;
    }
  | { readonly type: 'optOut'; readonly optOut: OptOut }
  | {
      readonly type: 'delivered';
      readonly deliveryId: string;
      readonly outcome: DeliveryOutcome;
      /** See `awaitsReceipt`; absent in histories of before receipts were looked at. */
      readonly awaitsReceipt?: boolean;
    }
  /** How far a message came: from the vendor by itself, or because it was asked. */
  | { readonly type: 'receipt'; readonly deliveryId: string; readonly state: ReceiptState }
  /** These entries are in the database. */
  | { readonly type: 'projected'; readonly entryIds: readonly string[] }
  | { readonly type: 'tick' };

/** What the reducer asks the workflow to do. Log entries are in the state's outbox. */
export type ResponderCommand =
  | { readonly type: 'deliver'; readonly delivery: Delivery }
  /** Ask the provider how far the message came. */
  | {
      readonly type: 'askReceipt';
      readonly deliveryId: string;
      readonly query: Pick<AwaitedReceipt, 'channel' | 'provider' | 'providerId'>;
    }
  | { readonly type: 'answer'; readonly incidentWorkflowId: string; readonly answer: Answer }
  | {
      readonly type: 'unreachable';
      readonly incidentWorkflowId: string;
      readonly report: Unreachable;
    };

/** A new state and what is to be done because of it. */
export interface Decision {
  readonly state: ResponderState;
  readonly commands: readonly ResponderCommand[];
}

/** What a decision may know besides the state. */
export interface Moment {
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** At least 32 random hex digits (UUIDs, dashes ignored), new for every decision. */
  readonly chance: string;
}
