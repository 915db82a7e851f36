import type { FinalIncident } from './records.ts';

/** How a run saw from outside what became of PostgreSQL. Instants are milliseconds since 1970. */
export interface DatabaseRecords {
  readonly health: readonly HealthRecord[];
  readonly changes: readonly ChangeRecord[];
  readonly listed: readonly ListedRecord[];
  /** Names of the changes that are there in the end. */
  readonly kept: readonly string[];
}

/** What an api process said when it was asked how PostgreSQL is. */
export interface HealthRecord {
  readonly api: string;
  /** When it said so, or the question was given up. */
  readonly at: number;
  /** `writable`, `read_only`, `unavailable` or `unknown`; null: no answer came. */
  readonly mode: string | null;
}

/** One attempt to change configuration; each has a name of its own. */
export interface ChangeRecord {
  readonly name: string;
  readonly sentAt: number;
  readonly endedAt: number;
  /** `unknown`: no answer, or one that says that nobody knows. */
  readonly result: 'made' | 'refused' | 'unknown';
}

/** An incident that a list showed for the first time, or for the first time with this status. */
export interface ListedRecord extends FinalIncident {
  /** When the list was read. */
  readonly at: number;
}
