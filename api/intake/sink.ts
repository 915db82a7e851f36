import type { AccountIndex } from '../../domain/directory.ts';
import type { AlertEvent } from '../../domain/event.ts';
import type { Service } from '../../domain/model.ts';

/** An event with the service that it goes to. */
export interface RoutedEvent {
  readonly index: AccountIndex;
  readonly service: Service;
  readonly event: AlertEvent;
}

/**
 * Where accepted events are stored. Normalisation knows nothing of what is behind it: Temporal, or a spill
 * in front of it.
 */
export interface IntakeSink {
  /**
   * Resolves when all events are on disk, or were dropped because there is nothing open that they could
   * acknowledge or resolve.
   * @throws IntakeRefusal when at least one may not be stored; sending all again is safe.
   */
  accept(events: readonly RoutedEvent[]): Promise<'stored'>;
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
