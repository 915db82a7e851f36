/** What counts as late, early or too much. Milliseconds. */
export interface Limits {
  /** Acceptance to first page, with no fault near. */
  readonly pageMs: number;
  /** The same when a fault was on in between, not counting times when paging was impossible. */
  readonly pageInFaultMs: number;
  /** How far a step may lie behind its time. */
  readonly stepMs: number;
  readonly stepInFaultMs: number;
  /** How far a step may lie before its time: clocks of the ledgers are one, so only rounding. */
  readonly earlyMs: number;
  /** A fault is near until this long after its end. */
  readonly recoveryMs: number;
  /** A message may still start this long after an answer was given. */
  readonly ghostMs: number;
  /** The same when a fault may have held the message up on its way. */
  readonly ghostInFaultMs: number;
  /** From a message of which its vendor says nothing to another to the same person. */
  readonly silenceMs: number;
  /** First attempt to acceptance of an event, not counting the client's own waiting when nothing listens. */
  readonly acceptMs: number;
  /** An answer and an event so close together may take effect in either order. */
  readonly settleMs: number;
  /** How PostgreSQL is now, to every api saying so. */
  readonly noticeMs: number;
  /** Until the first change is made after PostgreSQL took none. */
  readonly changeMs: number;
  /** Until lists show all that was accepted while PostgreSQL took no writes. */
  readonly listsMs: number;
}

/** The figures of the specification: F2, F4, F7, F8, F10, F11. */
export const USUAL_LIMITS: Limits = {
  pageMs: 10_000,
  pageInFaultMs: 60_000,
  stepMs: 5000,
  stepInFaultMs: 60_000,
  earlyMs: 250,
  recoveryMs: 15_000,
  ghostMs: 2000,
  ghostInFaultMs: 8000,
  silenceMs: 70_000,
  acceptMs: 60_000,
  settleMs: 5000,
  noticeMs: 5000,
  changeMs: 15_000,
  listsMs: 60_000,
};

/** Copies of one notification: two are allowed. */
export const COPIES_MAX = 2;
