import type { AlertEvent } from '../event.ts';
import type { TargetRef, Urgency } from '../model.ts';
import type { Answer, IncidentAction, IncidentAddress, Unreachable } from './action.ts';
import type { ManualTrigger } from './types.ts';
import type { Agent, IncidentStatus, IncidentView } from './view.ts';

/** Everything that can happen to an incident; the reducer's input. */
export type IncidentEvent =
  | { readonly type: 'alert'; readonly event: AlertEvent }
  | { readonly type: 'created'; readonly manual: ManualTrigger }
  | { readonly type: 'action'; readonly action: IncidentAction }
  | { readonly type: 'answer'; readonly answer: Answer }
  /** `anyPage`: in a history of before the report's page was compared with the current one. */
  | { readonly type: 'unreachable'; readonly report: Unreachable; readonly anyPage?: boolean }
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
      /** Pages of later commands go on; absent: all stop. So a stop may arrive late. */
      readonly upTo?: string;
      /** Where it is not the workflow's present incident but one before. */
      readonly incidentId?: string;
      /** A page that was given up: whoever it may have reached, but for those who are paged otherwise. */
      readonly mayHaveReached?: {
        readonly targets: readonly TargetRef[];
        readonly urgency: Urgency;
        readonly sparing: readonly string[];
      };
      /** The page was never commanded here, but may have been where its worker was lost. */
      readonly lostTick?: true;
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
