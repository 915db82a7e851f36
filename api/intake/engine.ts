import { SpanStatusCode, trace } from '@opentelemetry/api';
import type { Client } from '@temporalio/client';

import type { Logger } from '../../platform/logger.ts';
import { LateError, within } from '../../platform/within.ts';
import { isTemporalDown } from '../errors.ts';
import { engineState, intakeInFlight } from '../metrics.ts';
import { Breaker, type BreakerState } from './breaker.ts';
import { Gate, GateFull } from './gate.ts';
import { hasArrived, signalIncident, type Tried } from './incident-signal.ts';
import { Pace } from './pace.ts';
import type { RoutedEvent } from './sink.ts';

/** One call. Healthy ones take milliseconds, under load some hundred. */
export const CALL_DEADLINE_MS = 1000;
const HISTORY_DEADLINE_MS = 3000;
/** A call that may wait for its turn waits at most this long. */
const QUEUE_WAIT_MS = 1000;
/** Calls without an answer, one after the other, after which Temporal counts as gone. */
const FAILURES = 3;
const RETRY_MS = 500;
const PROBE_DEADLINE_MS = 500;

/** Events of one key, in order. */
export type Batch = readonly [RoutedEvent, ...RoutedEvent[]];

/** Temporal has not taken the events. */
export class EngineDown extends Error {
  override readonly name = 'EngineDown';
  /** `no_answer`: a call was made, and nobody knows what became of it. */
  readonly reason: 'no_room' | 'away' | 'no_answer';

  constructor(reason: EngineDown['reason'], cause?: unknown) {
    super(`Temporal took nothing: ${reason}`, { cause });
    this.reason = reason;
  }
}

export interface EngineOptions {
  readonly temporal: Client;
  readonly logger: Logger;
  /** Calls in flight at most. */
  readonly maxInFlight: number;
}

/** Temporal as intake sees it: few calls at a time, each short, and none while it does not answer. */
export class Engine {
  readonly #temporal: Client;
  readonly #gate: Gate;
  readonly #breaker: Breaker;
  readonly #pace: Pace;
  /** On the clock of `performance.now()`. */
  lastSuccessAt = Number.NEGATIVE_INFINITY;

  constructor({ temporal, logger, maxInFlight }: EngineOptions) {
    this.#temporal = temporal;
    this.#pace = new Pace(maxInFlight);
    this.#gate = new Gate({
      maxInFlight,
      maxWaiting: maxInFlight * 4,
      maxWaitMs: QUEUE_WAIT_MS,
      observe: (inFlight, waiting) => {
        intakeInFlight.set({ state: 'in_flight' }, inFlight);
        intakeInFlight.set({ state: 'waiting' }, waiting);
      },
    });
    this.#breaker = new Breaker({
      failures: FAILURES,
      retryMs: RETRY_MS,
      probe: () => this.#probe(),
      observe: (state) => {
        showState(state);
        logger.warn({ state }, 'Temporal, as intake sees it, has changed');
      },
    });
    showState('closed');
  }

  get state(): BreakerState {
    return this.#breaker.state;
  }

  /** Calls that may begin now. */
  get room(): number {
    return Math.max(0, this.places - this.#gate.inFlight);
  }

  /** Calls that `sendFirst` may have under way, whatever else waits. */
  get places(): number {
    return this.#breaker.lets ? this.limit : 0;
  }

  /** Calls at a time, as the engine takes them now. */
  get limit(): number {
    return this.#breaker.state === 'closed' ? this.#pace.limit : 1;
  }

  /**
   * `dropped`: there was nothing open that the events could acknowledge or resolve.
   * @throws EngineDown when there is no room, or no answer in time; anything else is Temporal's refusal.
   */
  send(batch: Batch): Promise<'stored' | 'dropped'> {
    if (this.room === 0) {
      return Promise.reject(new EngineDown(this.#breaker.lets ? 'no_room' : 'away'));
    }
    return this.#gate.run(() => this.#send(batch));
  }

  /** Like `send`, but waits up to a second for room. */
  sendInTurn(batch: Batch): Promise<'stored' | 'dropped'> {
    return this.#sendByGate(batch, { first: false });
  }

  /** Like `sendInTurn`, and before all who wait there: what was accepted goes before what was not yet. */
  sendFirst(batch: Batch): Promise<'stored' | 'dropped'> {
    return this.#sendByGate(batch, { first: true });
  }

  /** Whether an earlier call has had its effect. @throws EngineDown */
  hasArrived(tried: Tried): Promise<boolean> {
    return this.#call(HISTORY_DEADLINE_MS, () => hasArrived(this.#temporal, tried));
  }

  close(): void {
    this.#breaker.close();
  }

  async #sendByGate(batch: Batch, turn: { readonly first: boolean }) {
    if (this.#breaker.state === 'open') throw new EngineDown('away');
    try {
      return await this.#gate.run(() => this.#send(batch), turn);
    } catch (error) {
      throw error instanceof GateFull ? new EngineDown('no_room', error) : error;
    }
  }

  async #send(batch: Batch): Promise<'stored' | 'dropped'> {
    if (!this.#breaker.tryPass()) throw new EngineDown('away');
    const span = trace.getTracer('pdlite-api').startSpan('intake store');
    span.setAttribute('pdlite.events', batch.length);
    try {
      const startedAt = performance.now();
      const send = () => signalIncident(this.#temporal, batch);
      const result = await this.#call(CALL_DEADLINE_MS, send);
      this.#pace.note(performance.now() - startedAt);
      return result;
    } catch (error) {
      if (error instanceof EngineDown) this.#pace.note(CALL_DEADLINE_MS);
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  }

  /** The client alone would go on trying after its deadline, for as long again. */
  async #call<T>(limitMs: number, work: () => Promise<T>): Promise<T> {
    const { temporal, abort } = { temporal: this.#temporal, abort: new AbortController() };
    const call = temporal.withAbortSignal(abort.signal, () =>
      temporal.withDeadline(Date.now() + limitMs, work),
    );
    try {
      const result = await within(limitMs, call, () => abort.abort());
      this.#breaker.succeed();
      this.lastSuccessAt = performance.now();
      return result;
    } catch (error) {
      if (error instanceof LateError || isTemporalDown(error)) {
        this.#breaker.fail();
        throw new EngineDown('no_answer', error);
      }
      this.#breaker.succeed();
      throw error;
    }
  }

  #probe(): Promise<unknown> {
    const temporal = this.#temporal;
    const call = temporal.withDeadline(Date.now() + PROBE_DEADLINE_MS, () =>
      temporal.connection.workflowService.getSystemInfo({}),
    );
    return within(PROBE_DEADLINE_MS, call);
  }
}

function showState(now: BreakerState): void {
  for (const state of ['closed', 'open', 'half_open'] as const) {
    engineState.set({ state }, state === now ? 1 : 0);
  }
}
