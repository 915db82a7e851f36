import type { AlertEvent, AlertPayload } from '../event.ts';
import type { Channel, EscalationPolicy, Service, TargetRef, Urgency } from '../model.ts';

export type IncidentStatus = 'triggered' | 'acknowledged' | 'resolved';

/** What an incident needs of its service and policy, as they were when it was triggered. */
export interface IncidentSettings {
  readonly accountId: string;
  readonly accountSubdomain: string;
  readonly service: Pick<
    Service,
    'id' | 'name' | 'acknowledgementTimeoutSec' | 'autoResolveTimeoutSec' | 'urgencyRule'
  >;
  readonly policy: EscalationPolicy;
}

/** Argument of the `incident` workflow. `carried` is present only after continue-as-new. */
export interface IncidentInput {
  readonly incidentId: string;
  readonly settings: IncidentSettings;
  /** Present when a person or tool created it by `POST /incidents`. */
  readonly manual: ManualTrigger | null;
  readonly carried?: IncidentState;
}

export interface ManualTrigger {
  readonly at: string;
  readonly title: string;
  readonly details: string | null;
  readonly urgency: Urgency | null;
  readonly incidentKey: string | null;
  /** Users to page instead of the policy; with them the incident starts assigned. */
  readonly assigneeIds: readonly string[];
  readonly agent: Agent;
  readonly traceparent: string | null;
}

/** Who did it. */
export interface Agent {
  readonly type: 'user' | 'api_key' | 'integration' | 'service' | 'system';
  readonly id: string;
  readonly summary: string;
}

/** By which way an action came in (PagerDuty's log entry `channel.type`). */
export type ActionChannel =
  Channel | 'api' | 'web' | 'timeout' | 'auto' | 'email_link' | 'email_reply' | 'events_api';

export interface Alert {
  readonly id: string;
  readonly dedupKey: string;
  readonly integrationId: string | null;
  readonly status: 'triggered' | 'resolved';
  readonly createdAt: string;
  readonly resolvedAt: string | null;
  /** How many trigger events it has had. */
  readonly count: number;
  readonly lastTriggeredAt: string;
  /** The first trigger's payload. */
  readonly payload: AlertPayload | null;
  readonly client: string | null;
  readonly clientUrl: string | null;
  readonly links: AlertEvent['links'];
  readonly images: AlertEvent['images'];
}

export interface Assignment {
  readonly userId: string;
  readonly at: string;
}

export interface ResponderRequest {
  readonly id: string;
  readonly requesterId: string;
  readonly message: string;
  readonly requestedAt: string;
  readonly responders: readonly {
    readonly userId: string;
    readonly state: 'pending' | 'joined' | 'declined';
    readonly updatedAt: string;
  }[];
}

export interface Note {
  readonly id: string;
  readonly content: string;
  readonly createdAt: string;
  readonly agent: Agent;
}

/** PagerDuty's log entry types, each with the suffix `_log_entry`. */
export type LogEntryType =
  | 'trigger_log_entry'
  | 'acknowledge_log_entry'
  | 'unacknowledge_log_entry'
  | 'resolve_log_entry'
  | 'assign_log_entry'
  | 'escalate_log_entry'
  | 'repeat_escalation_path_log_entry'
  | 'exhaust_escalation_path_log_entry'
  | 'reach_ack_limit_log_entry'
  | 'reach_trigger_limit_log_entry'
  | 'delegate_log_entry'
  | 'snooze_log_entry'
  | 'annotate_log_entry'
  | 'notify_log_entry'
  | 'urgency_change_log_entry'
  | 'field_value_change_log_entry'
  | 'merge_log_entry'
  | 'add_responders_log_entry'
  | 'responder_reply_log_entry';

export interface LogEntry {
  readonly id: string;
  /** Position within its producer (incident or responder workflow). */
  readonly seq: number;
  readonly incidentId: string;
  readonly type: LogEntryType;
  readonly at: string;
  readonly agent: Agent;
  readonly channel: ActionChannel;
  /** Why, in a sentence for people. */
  readonly reason: string;
  /** Structured facts: assignees, rule index, contact method, provider, outcome, note, old and new values. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** The one armed escalation timer, or why there is none. All instants are absolute. */
export type EscalationTimer =
  | { readonly kind: 'armed'; readonly dueAt: string }
  | {
      readonly kind: 'none';
      readonly reason:
        'acknowledged' | 'resolved' | 'exhausted' | 'low_urgency' | 'snoozed' | 'manual' | 'merged';
    };

/** What people and tools see: the answer to the query, to every update, and what is projected. */
export interface IncidentView {
  readonly id: string;
  /** Tenths of a second since 2026-01-01: grows with time; the id, not this number, is the key. */
  readonly number: number;
  readonly accountId: string;
  readonly serviceId: string;
  readonly serviceName: string;
  readonly escalationPolicyId: string;
  readonly escalationPolicyName: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly title: string;
  readonly description: string | null;
  readonly status: IncidentStatus;
  readonly urgency: Urgency;
  readonly incidentKey: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly resolvedAt: string | null;
  readonly resolveReason: {
    readonly type: 'merge_resolve_reason';
    readonly incidentId: string;
  } | null;
  readonly assignments: readonly Assignment[];
  readonly acknowledgements: readonly { readonly at: string; readonly agent: Agent }[];
  readonly lastStatusChangeAt: string;
  readonly lastStatusChangeBy: Agent;
  readonly alerts: readonly Alert[];
  readonly alertCounts: {
    readonly all: number;
    readonly triggered: number;
    readonly resolved: number;
  };
  readonly notes: readonly Note[];
  readonly responderRequests: readonly ResponderRequest[];
  readonly pendingActions: readonly {
    readonly type: 'unacknowledge' | 'escalate' | 'resolve' | 'urgency_change';
    readonly at: string;
  }[];
  /** Index of the rule now in force, from 0; which loop, from 0. */
  readonly escalation: {
    readonly ruleIndex: number;
    readonly loop: number;
    readonly timer: EscalationTimer;
  };
  readonly snoozedUntil: string | null;
  /** Sources of a merge that have not handed themselves over yet; absent when there are none, and never projected. */
  readonly mergesPending?: number;
  /** Grows by one with every change: a projection never goes back. */
  readonly revision: number;
}

/** What a person or tool does to an incident: the argument of the `act` update. */
export type IncidentAction = ActionContext &
  (
    | { readonly type: 'acknowledge' }
    | { readonly type: 'resolve'; readonly resolution: string | null }
    | { readonly type: 'reassign'; readonly userIds: readonly string[] }
    | { readonly type: 'reassign_policy'; readonly policy: EscalationPolicy }
    /** Next rule, or the rule with this index. */
    | { readonly type: 'escalate'; readonly ruleIndex: number | null }
    | { readonly type: 'snooze'; readonly durationSec: number }
    | { readonly type: 'note'; readonly content: string }
    /** These of the incident's alerts; with the last open one the incident resolves. */
    | { readonly type: 'resolve_alerts'; readonly alertIds: readonly string[] }
    | { readonly type: 'set_title'; readonly title: string }
    | { readonly type: 'set_urgency'; readonly urgency: Urgency }
    | { readonly type: 'merge'; readonly sources: readonly IncidentAddress[] }
    /** Sent by the target's workflow to each source; answers with the source's view before it resolved. */
    | { readonly type: 'merge_into'; readonly target: IncidentAddress }
    | {
        readonly type: 'request_responders';
        readonly requesterId: string;
        readonly message: string;
        readonly targets: readonly TargetRef[];
      }
    | {
        readonly type: 'responder_reply';
        readonly userId: string;
        readonly reply: 'joined' | 'declined';
      }
  );

export interface ActionContext {
  /** Unique: the same id twice changes nothing the second time. */
  readonly actionId: string;
  /** The incident that is meant. Its workflow may have gone on to the key's next one, which refuses it. */
  readonly incidentId?: string;
  readonly at: string;
  readonly agent: Agent;
  readonly channel: ActionChannel;
  readonly traceparent: string | null;
}

export interface IncidentAddress {
  readonly incidentId: string;
  readonly workflowId: string;
}

/** An answer from a phone or a mail, forwarded by the responder workflow as a signal. */
export interface Answer extends ActionContext {
  readonly incidentId: string;
  readonly userId: string;
  readonly action: 'acknowledge' | 'resolve' | 'escalate';
  readonly pageId: string;
}

/** Nobody of the user's contact methods can be reached; the incident escalates instead of waiting. */
export interface Unreachable {
  readonly incidentId: string;
  readonly userId: string;
  readonly pageId: string;
  readonly at: string;
  readonly reason: string;
}

/** Everything that can happen to an incident; the reducer's input. */
export type IncidentEvent =
  | { readonly type: 'alert'; readonly event: AlertEvent }
  | { readonly type: 'created'; readonly manual: ManualTrigger }
  | { readonly type: 'action'; readonly action: IncidentAction }
  | { readonly type: 'answer'; readonly answer: Answer }
  | { readonly type: 'unreachable'; readonly report: Unreachable }
  /** The clock reached a due instant (escalation, acknowledgement timeout, auto-resolve, snooze). */
  | { readonly type: 'tick' }
  /** What the effect of an earlier command answered. */
  | { readonly type: 'paged'; readonly result: PageResult }
  /** An answer or a later step has overtaken this page before it told whom it had reached. */
  | { readonly type: 'page_given_up'; readonly command: Extract<IncidentCommand, { type: 'page' }> }
  | { readonly type: 'absorbed'; readonly source: IncidentView }
  /** A merge source could not be reached or was already resolved. */
  | { readonly type: 'absorb_failed'; readonly source: IncidentAddress; readonly reason: string }
  /** The first `count` held events went on to `mergedInto`; or that incident is over (`accepted` false). */
  | { readonly type: 'forwarded'; readonly count: number; readonly accepted: boolean }
  /** The incident that this one was merged into is over. */
  | { readonly type: 'released' };

/** What the reducer asks the workflow to do. Ids come from a counter in the state. */
export type IncidentCommand =
  | {
      readonly type: 'page';
      readonly commandId: string;
      /** Targets of the rule now in force, or explicit users. */
      readonly targets: readonly TargetRef[];
      readonly ruleIndex: number;
      readonly notAfter: string;
      readonly why:
        | 'trigger'
        | 'escalate'
        | 'reassign'
        | 'unacknowledge'
        | 'responder_request'
        | 'urgency_change'
        | 'snooze_over';
    }
  /** Tell these responders to stop paging for this incident. */
  | {
      readonly type: 'stop';
      readonly commandId: string;
      readonly userIds: readonly string[];
      readonly outcome: StopOutcome;
      /** A page that was given up: whoever it may have reached, but for those who are paged otherwise. */
      readonly mayHaveReached?: {
        readonly targets: readonly TargetRef[];
        readonly urgency: Urgency;
        readonly sparing: readonly string[];
      };
    }
  | { readonly type: 'absorb'; readonly commandId: string; readonly source: IncidentAddress };

export interface StopOutcome {
  readonly status: IncidentStatus | 'escalated' | 'reassigned';
  /** For «already answered by …». */
  readonly by: Agent;
  readonly at: string;
}

/** What the page command found: whom it paged, and how it got to them. */
export interface PageResult {
  readonly commandId: string;
  readonly at: string;
  readonly ruleIndex: number;
  readonly userIds: readonly string[];
  /**
   * Those of `userIds` whose workflow did not take the page in time. They may have it all the same, so they
   * are told to stop like the others; until then the page is tried again for them.
   */
  readonly unsignalled?: readonly string[];
  /** Not `policy`: nobody was on call, and the never-drop rule chose. */
  readonly via: 'policy' | 'catch_all' | 'owner' | 'nobody';
  /** Targets that led to nobody (empty schedules, users without a verified contact method). */
  readonly empty: readonly TargetRef[];
}

/** The reducer's state: JSON only, carried whole through continue-as-new. The reducer's author owns the rest of its shape. */
export interface IncidentState {
  readonly settings: IncidentSettings;
  readonly view: IncidentView;
  /** False until the first trigger: nothing is paged or projected before it. */
  readonly opened: boolean;
  /** Users with an open page of this incident. */
  readonly pagedUserIds: readonly string[];
  /** Users with an open page because somebody asked them to respond. */
  readonly requestedUserIds: readonly string[];
  /** The latest page of the escalation; an older one that has not run yet is not wanted any more. */
  readonly currentPage: CurrentPage | null;
  /** Whether this pass through the policy's rules has reached anybody so far. */
  readonly passReached: boolean;
  /** Assigned to users by name, so the policy's rules do not go on by themselves. */
  readonly manualAssignment: boolean;
  readonly nextCommand: number;
  readonly nextLogSeq: number;
  readonly nextAlert: number;
  /** Repeated triggers that got their own log entry. */
  readonly repeatsLogged: number;
  /** Alerts beyond the bound: counted, not kept. */
  readonly foldedAlerts: { readonly triggered: number; readonly resolved: number };
  /** Log entries that are not yet projected, oldest first; bounded, see limits.ts. */
  readonly outbox: readonly LogEntry[];
  /** Log entries that the outbox had no room for. They are in the workflow's history. */
  readonly entriesDropped: number;
  readonly projectedRevision: number;
  /** What earlier incidents of this workflow have not projected yet. */
  readonly leftovers: readonly Leftover[];
  /** Ids of events, actions and answers already seen; bounded, oldest dropped. */
  readonly seen: readonly string[];
  readonly acknowledgementDueAt: string | null;
  readonly autoResolveDueAt: string | null;
  /** Where the alerts of this key go after a merge. */
  readonly mergedInto: IncidentAddress | null;
  /** True once the incident that this one was merged into is over. */
  readonly released: boolean;
  /** The view right before the merge: what the target takes over. */
  readonly handedOver: IncidentView | null;
  readonly mergedSources: readonly IncidentAddress[];
  readonly pendingMerges: readonly PendingMerge[];
  /** Merged sources to be told that this incident is over. */
  readonly releases: readonly IncidentAddress[];
  /** Events that came too late for this incident: to forward after a merge, else for the next incident. */
  readonly held: readonly AlertEvent[];
  readonly traceparent: string | null;
}

export interface CurrentPage {
  readonly commandId: string;
  readonly why: Extract<IncidentCommand, { type: 'page' }>['why'];
  readonly agent: Agent;
  /** Users named by a person stay assigned whoever is paged in their place. */
  readonly named: boolean;
  /** Empty until the page has run. */
  readonly userIds: readonly string[];
  readonly unreachableIds: readonly string[];
  /** Sent to the catch-all because everybody paged before was unreachable. */
  readonly lastResort: boolean;
}

export interface PendingMerge {
  readonly source: IncidentAddress;
  readonly agent: Agent;
  readonly channel: ActionChannel;
  readonly at: string;
}

export interface Leftover {
  readonly view: IncidentView | null;
  readonly entries: readonly LogEntry[];
}
