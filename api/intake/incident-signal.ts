import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';

import type { AlertEvent } from '../../domain/event.ts';
import { foldEvents } from '../../domain/intake/fold.ts';
import { jsonBytes } from '../../domain/intake/fit.ts';
import { INCIDENT } from '../../domain/messages.ts';
import { GRPC, hasGrpcCode } from '../../temporal-config/grpc.ts';
import { incidentStart, workflowIdOfEvent } from '../../temporal-config/incident-start.ts';
import type { RoutedEvent } from './sink.ts';

/** Events, and bytes of them, in one signal once triggers are folded; the engine refuses payloads of 2 MB. */
const MAX_SIGNAL_EVENTS = 100;
const MAX_SIGNAL_BYTES = 1_000_000;
/** Events that go into one signal before triggers are folded. */
const MAX_BATCH_EVENTS = 1000;
/** Runs of one workflow that are looked through. */
const MAX_RUNS = 20;

/**
 * How many of these events of one key, from the first, go into one signal: one that opens no incident must not
 * take along one that does, because it starts no workflow.
 */
export function batchLength(waiting: readonly RoutedEvent[]): number {
  const starts = waiting[0]?.event.action === 'trigger';
  let bytes = 0;
  let sent = 0;
  let length = 0;
  for (const { event } of waiting) {
    const folds = event.action === 'trigger' && waiting[length - 1]?.event.action === 'trigger';
    const joins = length === 0 || starts || event.action !== 'trigger';
    if (!folds) {
      bytes += jsonBytes(event);
      sent += 1;
    }
    const full = bytes > MAX_SIGNAL_BYTES || sent > MAX_SIGNAL_EVENTS || length >= MAX_BATCH_EVENTS;
    if (length > 0 && (!joins || full)) break;
    length += 1;
  }
  return length;
}

/**
 * Signals events of one key to their incident, starting it when the first is a trigger and there is none.
 * `dropped`: there is nothing open that they could acknowledge or resolve.
 * @throws what the client throws; it may have been done all the same.
 */
export async function signalIncident(
  temporal: Client,
  batch: readonly [RoutedEvent, ...RoutedEvent[]],
): Promise<'stored' | 'dropped'> {
  const [first] = batch;
  const events = foldEvents(batch.map(({ event }) => event));
  if (first.event.action === 'trigger') {
    const options = incidentStart(first, events);
    await temporal.workflow.signalWithStart(INCIDENT.workflow, options);
    return 'stored';
  }
  try {
    const handle = temporal.workflow.getHandle(workflowIdOfEvent(first));
    await handle.signal(INCIDENT.signals.events, events);
    return 'stored';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'dropped';
    throw error;
  }
}

/** Which signal is looked for, and where. */
export interface Tried {
  readonly workflowId: string;
  /** Of the first event of the signal. */
  readonly eventId: string;
  /** Given where the event may be another one: a trigger that was folded into one before it. */
  readonly receivedAt?: string;
  /** Milliseconds since 1970: it was not sent before. */
  readonly sinceMs: number;
}

/**
 * Whether a signal whose outcome is not known has arrived, from the histories of the workflow's runs, so that an
 * event of an incident that is over does not open another one.
 * @throws what the client throws.
 */
export async function hasArrived(temporal: Client, tried: Tried): Promise<boolean> {
  let runId: string | undefined;
  for (let n = 0; n < MAX_RUNS; n += 1) {
    const run = await readRun(temporal, tried, runId);
    if (run === null) return false;
    if (run.arrived) return true;
    if (run.startedMs < tried.sinceMs || run.previous === '') return false;
    runId = run.previous;
  }
  return false;
}

interface Run {
  readonly arrived: boolean;
  readonly startedMs: number;
  readonly previous: string;
}

async function readRun(
  temporal: Client,
  { workflowId, ...event }: Tried,
  runId: string | undefined,
): Promise<Run | null> {
  try {
    const history = await temporal.workflow.getHandle(workflowId, runId).fetchHistory();
    const events = history.events ?? [];
    const [first] = events;
    const started = first?.workflowExecutionStartedEventAttributes;
    return {
      arrived: events.some(({ workflowExecutionSignaledEventAttributes: signal }) =>
        signal?.input?.payloads?.some((payload) => holdsEvent(payload, event)),
      ),
      startedMs: Number(first?.eventTime?.seconds ?? 0) * 1000,
      previous: started?.continuedExecutionRunId ?? '',
    };
  } catch (error) {
    // Of a signal to a workflow that is not, the client says WorkflowNotFoundError; of its history, this.
    if (hasGrpcCode(error, GRPC.notFound)) return null;
    throw error;
  }
}

function holdsEvent(
  payload: Payload,
  { eventId, receivedAt }: Pick<Tried, 'eventId' | 'receivedAt'>,
): boolean {
  const events: unknown = defaultPayloadConverter.fromPayload(payload);
  return (
    Array.isArray(events) &&
    // What `signalIncident` has sent.
    (events as readonly Partial<AlertEvent>[]).some(
      (event) =>
        event.eventId === eventId ||
        (receivedAt !== undefined && event.repeats?.lastReceivedAt === receivedAt),
    )
  );
}
