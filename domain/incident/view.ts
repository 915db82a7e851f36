import type { AlertEvent, AlertPayload } from '../event.ts';
import type { Channel, Urgency } from '../model.ts';

export type IncidentStatus = 'triggered' | 'acknowledged' | 'resolved';

/** Who did it. */
export interface Agent {
  readonly type: 'user' | 'api_key' | 'integration' | 'service' | 'system';
  readonly id: string;
  readonly summary: string;
}

/** By which way an action came in (PagerDuty's log entry `channel.type`). */
export type ActionChannel =
  Channel | 'api' | 'web' | 'timeout' | 'auto' | 'email_link' | 'email_reply' | 'events_api';

/** By which request somebody acts, for the audit log. */
export interface ActionOrigin {
  readonly requestId: string;
  /** The key that was used. */
  readonly keyId: string;
  /** The key belongs to the account and acts for the agent. */
  readonly onBehalf: boolean;
  /** Class of the caller's address. */
  readonly source: string;
}

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
  /** Absent where no request made it. */
  readonly origin?: ActionOrigin;
  /** W3C trace context of what caused it. */
  readonly traceparent?: string;
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
