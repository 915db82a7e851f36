import type { EscalationPolicy, TargetRef, Urgency } from '../model.ts';
import type { ActionChannel, ActionOrigin, Agent } from './view.ts';

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

/** Something that another process tells of by its own clock, which may be wrong. */
export interface Told {
  readonly at: string;
  /**
   * How long it had waited, by a clock that is not that process's, when it was handed to the engine: 0 for what goes
   * straight. Absent in what came before this was told: its `at` is believed.
   */
  readonly waitedMs?: number;
}

export interface ActionContext extends Told {
  /** Unique: the same id twice changes nothing the second time. */
  readonly actionId: string;
  /** The incident that is meant. Its workflow may have gone on to the key's next one, which refuses it. */
  readonly incidentId?: string;
  readonly agent: Agent;
  readonly channel: ActionChannel;
  readonly traceparent: string | null;
  /** Absent where no request made it. */
  readonly origin?: ActionOrigin;
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
