import type { LogEntryType } from '../../domain/incident/types.ts';
import type { Move } from './plan.ts';

/** A move as it was really made. */
export interface MadeMove {
  /** What the product was told of when: milliseconds since 1970, on the server's clock. */
  readonly atMs: number;
  readonly move: Move;
}

/** A message that somebody has to get. */
export interface ExpectedMessage {
  readonly dueMs: number;
  /** Push topic or mail address. */
  readonly to: string;
  /** Ended before two seconds had passed: it may have been too late to send it. */
  readonly optional: boolean;
}

/** A line that the incident's log has to have. */
export interface ExpectedEntry {
  readonly dueMs: number;
  readonly type: LogEntryType;
}

export type TimerKind =
  'escalation' | 'acknowledgement timeout' | 'snooze' | 'auto-resolve' | 'notification rule';

/** What has to happen to one seed, each list in the order of time. */
export interface Expectation {
  readonly messages: readonly ExpectedMessage[];
  readonly entries: readonly ExpectedEntry[];
  /** Instants of moves that came while nothing was open: they may be refused. */
  readonly idle: readonly number[];
  /** The waiting times that ran out. */
  readonly timers: readonly { readonly kind: TimerKind; readonly dueMs: number }[];
}
