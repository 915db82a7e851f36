import type { AlertEvent } from '../event.ts';
import type { IncidentAddress } from './action.ts';
import type { IncidentCommand } from './decision.ts';
import type { IncidentSettings } from './types.ts';
import type { ActionChannel, ActionOrigin, Agent, IncidentView, LogEntry } from './view.ts';

/** The reducer's state: JSON only, carried whole through continue-as-new. */
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
  /** Pages and stops that were under way when the run before this one ended: to be tried again. */
  readonly unfinished?: readonly IncidentCommand[];
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
  readonly origin?: ActionOrigin;
}

export interface Leftover {
  readonly view: IncidentView | null;
  readonly entries: readonly LogEntry[];
}
