/**
 * Names of workflows and of what may be sent to them. The api, the activities and the workflows all
 * take them from here, so that nobody imports workflow code to send it a message.
 */
export const INCIDENT = {
  workflow: 'incident',
  signals: {
    /** `AlertEvent[]`, in order. */
    events: 'events',
    /** `Answer` */
    answer: 'answer',
    /** `Unreachable` */
    unreachable: 'unreachable',
    /** No argument: the incident that this one was merged into is over. */
    release: 'release',
  },
  updates: {
    /** `IncidentAction` → `IncidentView` after it. */
    act: 'act',
  },
  queries: {
    /** → `IncidentView` */
    view: 'view',
    /** → `LogEntry[]`, what is not yet projected. */
    outbox: 'outbox',
    /** (actionId) → `ActionMemory` */
    known: 'known',
  },
} as const;

/** Update by which a running workflow is read: (name of a query, its argument); always refused, with the answer. */
export const READ = 'read';

export const RESPONDER = {
  workflow: 'responder',
  signals: {
    /** `Page` */
    page: 'page',
    /** `StopPages` */
    stop: 'stop',
    /** `Reply` */
    reply: 'reply',
    /** `OptOut` */
    optOut: 'optOut',
    /** `Receipt` */
    receipt: 'receipt',
  },
  queries: {
    /** (replyId) → `ReplyOutcome | null` */
    replyOutcome: 'replyOutcome',
    /** (pageIds) → ids of those that are still open */
    openPages: 'openPages',
    /** → `ResponderState` */
    state: 'state',
  },
} as const;

export const HEARTBEAT = {
  workflow: 'heartbeat',
  signals: {
    /** `Beat` */
    beat: 'beat',
  },
} as const;

export const REPAIR = {
  workflow: 'repair',
} as const;

/** `ApplicationFailure.type` of an action that the validator refused; the message is for people. */
export const ACTION_REFUSED = {
  alreadyResolved: 'AlreadyResolved',
  alreadyAcknowledged: 'AlreadyAcknowledged',
  invalid: 'InvalidAction',
  keyReused: 'IdempotencyKeyReused',
} as const;

/** Task queues. Deliveries have their own, so that a slow provider never holds up decisions. */
export const TASK_QUEUES = {
  workflows: 'pdlite',
  delivery: 'pdlite-delivery',
  projection: 'pdlite-projection',
} as const;

/** Custom search attributes, all keywords; registered by `set-up.ts`. */
export const SEARCH_ATTRIBUTES = {
  account: 'PdliteAccount',
  service: 'PdliteService',
  status: 'PdliteStatus',
  urgency: 'PdliteUrgency',
  /** KeywordList of user ids. */
  assignees: 'PdliteAssignees',
  /** SHA-256 of the dedup key, first 32 hex digits. */
  dedupKey: 'PdliteDedupKey',
  incident: 'PdliteIncident',
} as const;
