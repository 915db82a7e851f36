import type { EventRoute } from '../../temporal-config/incident-start.ts';

/** An event with the service that it goes to. */
export type RoutedEvent = EventRoute;

/** Where accepted events are stored. Normalisation knows nothing of what is behind it. */
export interface IntakeSink {
  /**
   * Resolves when all events are on disk, in Temporal (`stored`) or, at least one of them, in the spill
   * (`spilled`); or were dropped because there is nothing open that they could acknowledge or resolve.
   * @throws IntakeRefusal when at least one may not be stored; sending all again is safe.
   */
  accept(events: readonly RoutedEvent[]): Promise<'stored' | 'spilled'>;
  /** For health; absent where there is nothing to tell. */
  status?(): IntakeStatus;
}

/** How intake stands, as this process knows it. */
export interface IntakeStatus {
  /** `open`: Temporal does not answer; `half_open`: it is being tried again. */
  readonly engine: 'closed' | 'open' | 'half_open';
  readonly spill: {
    /** The last write to it, or look at it, worked. */
    readonly usable: boolean;
    /** Events that wait, some seconds ago. */
    readonly waiting: number;
    readonly oldestSec: number;
    /** Events that were refused for good and wait for a person. */
    readonly parked: number;
  } | null;
}

/** The event was not taken; the sender is to come back. */
export class IntakeRefusal extends Error {
  override readonly name = 'IntakeRefusal';
  readonly reason: 'overloaded' | 'unavailable';
  /** Seconds. */
  readonly retryAfterSec: number;

  constructor(reason: IntakeRefusal['reason'], retryAfterSec: number, cause?: unknown) {
    super(`intake ${reason}`, { cause });
    this.reason = reason;
    this.retryAfterSec = retryAfterSec;
  }
}
