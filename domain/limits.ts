/** Bounds of an incident's state; each says what happens there. */
export const INCIDENT_LIMITS = {
  /** More are folded into counts. PagerDuty's bound of a merge target. */
  alerts: 1000,
  /** JSON characters of all alerts together; absorbed alerts beyond it leave their custom details to the projection. */
  alertChars: 400_000,
  /** Later repeats of a trigger are counted on the alert, without a log entry of their own. */
  loggedRepeats: 20,
  /** The oldest log entry that is not yet projected makes room; it stays in the workflow's history. */
  outbox: 1000,
  /** Notes waiting in the outbox; a further note is refused until some are stored. */
  outboxNotes: 50,
  /** Entries of one projection batch; the rest goes with the next. */
  batchEntries: 100,
  /** Ids remembered against duplicates; the oldest is forgotten. */
  seen: 1000,
  /** The latest notes are kept live; older ones are in the projection. */
  notes: 50,
  /** A longer note is refused. */
  noteChars: 10_000,
  /** A longer title is refused. */
  titleChars: 1024,
  /** Further acknowledgements change nothing; said once in the log. */
  acknowledgements: 50,
  /** A further request is refused. */
  responderRequests: 50,
  /** More users in one reassignment, or targets in one request, are refused. */
  targets: 50,
  /** More sources in one merge, or merges in progress, are refused. */
  mergeSources: 100,
  /** Beyond it the second oldest makes room: the first event opens the next incident, the latest end it. */
  held: 200,
  /** Pages and stops that keep being tried beside the rest; the oldest is given up. */
  unfinished: 100,
  /** Earlier incidents of the workflow whose projection is pending; the oldest makes room. */
  leftovers: 20,
  /** Seconds; PagerDuty's bounds. */
  snoozeMinSec: 1,
  snoozeMaxSec: 604_800,
  /** Even after an outage each step keeps this long before the next, unless its own delay is shorter. */
  minStepMs: 60_000,
  /** What happens no later than this after it was due happens in time. */
  punctualMs: 5000,
  /** Until when a page is worth sending if no later step takes over. */
  lastPageMs: 24 * 3_600_000,
} as const;
