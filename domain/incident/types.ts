import type { EscalationPolicy, Service, Urgency } from '../model.ts';
import type { Told } from './action.ts';
import type { IncidentState } from './state.ts';
import type { ActionOrigin, Agent } from './view.ts';

export type * from './action.ts';
export type * from './decision.ts';
export type * from './state.ts';
export type * from './view.ts';

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

export interface ManualTrigger extends Told {
  readonly title: string;
  readonly details: string | null;
  readonly urgency: Urgency | null;
  readonly incidentKey: string | null;
  /** Absent: made from the time. */
  readonly incidentNumber?: number;
  /** Users to page instead of the policy; with them the incident starts assigned. */
  readonly assigneeIds: readonly string[];
  readonly agent: Agent;
  readonly traceparent: string | null;
  readonly origin?: ActionOrigin;
}
