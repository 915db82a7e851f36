import type { AlertEvent } from '../domain/event.ts';
import type {
  Answer,
  IncidentAction,
  IncidentAddress,
  IncidentCommand,
  IncidentSettings,
  IncidentView,
  LogEntry,
  PageResult,
  Unreachable,
} from '../domain/incident/types.ts';
import type { Channel } from '../domain/model.ts';
import type { ReceiptState } from '../domain/receipt.ts';
import type { Delivery, DeliveryOutcome } from '../domain/responder/types.ts';

/** What the workflows ask of the world. All are idempotent; each file of this folder makes a part. */
export interface PagingActivities {
  /**
   * Local activity. Finds who is on call for the command's targets now (directory only), applies the
   * never-drop rule, and signals each responder's workflow with a page (signalWithStart). Throws when none
   * took it; names in `unsignalled` those who did not when some did.
   */
  page(request: PageRequest): Promise<PageResult>;
  /** Local activity. Signals the responders; a responder without a workflow is done already. */
  stopPages(request: StopRequest): Promise<void>;
  /** Local activity. The settings of a service as they are now, for an incident that follows another on one key. */
  loadSettings(accountId: string, serviceId: string): Promise<IncidentSettings>;
}

export interface PageRequest {
  readonly command: Extract<IncidentCommand, { type: 'page' }>;
  readonly settings: IncidentSettings;
  readonly view: IncidentView;
  readonly traceparent: string | null;
  /** When it is asked for, by the engine's clock; absent in what was asked for before that was told. */
  readonly at?: string;
}

export interface StopRequest {
  readonly accountId: string;
  readonly incidentId: string;
  readonly command: Extract<IncidentCommand, { type: 'stop' }>;
  /** As of a `PageRequest`. */
  readonly at?: string;
}

export interface MessagingActivities {
  /** Local activity. Signals an incident; false when its workflow is over. */
  signalAnswer(incidentWorkflowId: string, answer: Answer): Promise<boolean>;
  signalUnreachable(incidentWorkflowId: string, report: Unreachable): Promise<boolean>;
  /** Passes events on to the incident that this one was merged into; false when that is over. */
  forwardEvents(target: IncidentAddress, events: readonly AlertEvent[]): Promise<boolean>;
  signalRelease(source: IncidentAddress): Promise<boolean>;
  /** Regular activity. Runs the `merge_into` update on a source and answers its view from before. */
  mergeSource(source: IncidentAddress, action: IncidentAction): Promise<IncidentView>;
}

export interface DeliveryActivities {
  /** Regular activity, ≤ 10 s. Renders and sends one message by the channel's providers in turn. */
  deliver(delivery: Delivery): Promise<DeliveryOutcome>;
  /**
   * Regular activity, ≤ 10 s, on the delivery queue. Asks a provider how far a message that it took has come;
   * null when it cannot tell, or not now. Never throws.
   */
  receiptOf(query: ReceiptQuery): Promise<ReceiptState | null>;
}

/** A message that a provider took: `channel` of the delivery, the rest of its `accepted` outcome. */
export interface ReceiptQuery {
  readonly channel: Channel;
  readonly provider: string;
  readonly providerId: string;
}

export interface ProjectionActivities {
  /** Regular activity, retried for ever. Writes the view (never an older revision) and the log entries, each once. */
  project(batch: ProjectionBatch): Promise<void>;
}

export interface ProjectionBatch {
  readonly accountId: string;
  /** Null when a responder writes only log entries. */
  readonly view: IncidentView | null;
  readonly entries: readonly LogEntry[];
}

export interface HeartbeatActivities {
  /**
   * Local activity. Hands an event of a heartbeat to the incident of its integration (signalWithStart); false
   * when the integration is gone, and with it the heartbeat.
   */
  raiseEvent(accountId: string, event: AlertEvent): Promise<boolean>;
}

/** A run that no worker can go on with. */
export interface BrokenRun {
  readonly workflowId: string;
  readonly runId: string;
}

export interface RepairActivities {
  /**
   * Resets it to before its last completed workflow task; does nothing when it is no more the current run.
   * @throws ApplicationFailure when it has none: nothing can be kept of it.
   */
  resetWorkflow(run: BrokenRun): Promise<void>;
}

export type Activities = PagingActivities &
  RepairActivities &
  HeartbeatActivities &
  MessagingActivities &
  DeliveryActivities &
  ProjectionActivities;
