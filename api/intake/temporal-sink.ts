import { SpanStatusCode, trace } from '@opentelemetry/api';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';

import type { AlertEvent } from '../../domain/event.ts';
import { jsonBytes } from '../../domain/intake/fit.ts';
import { INCIDENT } from '../../domain/messages.ts';
import type { Logger } from '../../platform/logger.ts';
import { incidentStart, workflowIdOfEvent } from '../../temporal-config/incident-start.ts';
import { isTemporalDown } from '../errors.ts';
import { intakeInFlight } from '../metrics.ts';
import { Gate } from './gate.ts';
import { Lanes } from './lanes.ts';
import { IntakeRefusal, type IntakeSink, type RoutedEvent } from './sink.ts';

/** One call to Temporal. */
const CALL_DEADLINE_MS = 2000;
/** A call waits at most this long for its turn. */
const QUEUE_WAIT_MS = 1000;
/** Events that wait behind calls under way, over all keys. */
const MAX_WAITING_EVENTS = 5000;
/** Events, and bytes of them, in one signal; the engine refuses payloads of 2 MB. */
const MAX_BATCH_EVENTS = 100;
const MAX_BATCH_BYTES = 1_000_000;
/** Events of one post that are on their way at once, so that one big post leaves room for others. */
const POST_CONCURRENCY = 16;
export interface TemporalSinkOptions {
  readonly temporal: Client;
  readonly logger: Logger;
  /** Calls in flight at most; as many times four may wait. */
  readonly maxInFlight: number;
}

/** Stores events as signals of incident workflows; a trigger starts the workflow where there is none. */
export class TemporalSink implements IntakeSink {
  readonly #temporal: Client;
  readonly #logger: Logger;
  readonly #gate: Gate;
  readonly #lanes: Lanes<RoutedEvent>;

  constructor({ temporal, logger, maxInFlight }: TemporalSinkOptions) {
    this.#temporal = temporal;
    this.#logger = logger;
    this.#gate = new Gate({
      maxInFlight,
      maxWaiting: maxInFlight * 4,
      maxWaitMs: QUEUE_WAIT_MS,
      observe: (inFlight, waiting) => {
        intakeInFlight.set({ state: 'in_flight' }, inFlight);
        intakeInFlight.set({ state: 'waiting' }, waiting);
      },
    });
    this.#lanes = new Lanes({
      take: batchLength,
      send: (batch) => this.#gate.run(() => this.#send(batch)),
      maxWaiting: MAX_WAITING_EVENTS,
    });
  }

  async accept(events: readonly RoutedEvent[]): Promise<'stored'> {
    const rest = [...events];
    const next = async (): Promise<void> => {
      for (let routed = rest.shift(); routed; routed = rest.shift()) {
        await this.#lanes.push(workflowIdOfEvent(routed), routed);
      }
    };
    const workers = Array.from({ length: Math.min(POST_CONCURRENCY, events.length) }, next);
    await Promise.all(workers);
    return 'stored';
  }

  async #send(batch: readonly RoutedEvent[]): Promise<void> {
    const span = trace.getTracer('pdlite-api').startSpan('intake store');
    span.setAttribute('pdlite.events', batch.length);
    try {
      await this.#temporal.withDeadline(Date.now() + CALL_DEADLINE_MS, () => this.#signal(batch));
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      // Whatever the engine refuses is a fault on our side: the sender keeps the event and comes back.
      if (!isTemporalDown(error)) this.#logger.error({ err: error }, 'event refused by Temporal');
      throw new IntakeRefusal('unavailable', 5, error);
    } finally {
      span.end();
    }
  }

  async #signal(batch: readonly RoutedEvent[]): Promise<void> {
    const [first] = batch;
    if (!first) return;
    const workflowId = workflowIdOfEvent(first);
    const events = lighten(batch.map(({ event }) => event));
    if (first.event.action === 'trigger') {
      const options = incidentStart(first, events);
      await this.#temporal.workflow.signalWithStart(INCIDENT.workflow, options);
      return;
    }
    try {
      await this.#temporal.workflow.getHandle(workflowId).signal(INCIDENT.signals.events, events);
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      this.#logger.info(
        { workflowId, action: first.event.action },
        'event for nothing open dropped',
      );
    }
  }
}

/** An event that opens no incident must not travel behind one that does not start a workflow. */
function batchLength(waiting: readonly RoutedEvent[]): number {
  const starts = waiting[0]?.event.action === 'trigger';
  let bytes = 0;
  let length = 0;
  for (const { event } of waiting) {
    bytes += jsonBytes(event);
    const joins = starts || event.action !== 'trigger';
    if (length > 0 && (!joins || bytes > MAX_BATCH_BYTES || length >= MAX_BATCH_EVENTS)) break;
    length += 1;
  }
  return length;
}

/** Of several triggers in a row only the first needs its details: the alert keeps no others. */
function lighten(events: readonly AlertEvent[]): readonly AlertEvent[] {
  return events.map((event, i) =>
    event.payload && events[i - 1]?.action === 'trigger'
      ? { ...event, payload: { ...event.payload, customDetails: null } }
      : event,
  );
}
