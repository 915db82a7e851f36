import type { LogEntry } from '../incident/types.ts';
import type { Channel } from '../model.ts';
import { RESPONDER_LIMITS } from './limits.ts';
import type { ResponderState } from './types.ts';

/** What a notify log entry says besides its id and place. */
export interface LogFacts {
  readonly incidentId: string;
  readonly channel: Channel | 'auto';
  readonly reason: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/**
 * Adds notify log entries to the outbox. At the bound the oldest go, and the first new entry says
 * in `droppedBefore` how many.
 */
export function log(
  state: ResponderState,
  facts: readonly LogFacts[],
  nowMs: number,
): ResponderState {
  const excess = Math.max(0, state.outbox.length + facts.length - RESPONDER_LIMITS.outbox);
  const entries = facts.map((item, index) =>
    entry(state, state.nextLogSeq + index, withDropped(item, index === 0 ? excess : 0), nowMs),
  );
  return {
    ...state,
    outbox: [...state.outbox, ...entries].slice(-RESPONDER_LIMITS.outbox),
    nextLogSeq: state.nextLogSeq + facts.length,
  };
}

function entry(state: ResponderState, seq: number, facts: LogFacts, nowMs: number): LogEntry {
  return {
    id: `R${state.instance}${seq.toString(36).toUpperCase().padStart(5, '0')}`,
    seq,
    incidentId: facts.incidentId,
    type: 'notify_log_entry',
    at: new Date(nowMs).toISOString(),
    agent: { type: 'system', id: 'pdlite', summary: 'PD Lite' },
    channel: facts.channel,
    reason: facts.reason,
    details: { userId: state.userId, ...facts.details },
  };
}

function withDropped(facts: LogFacts, dropped: number): LogFacts {
  if (dropped === 0) return facts;
  return { ...facts, details: { ...facts.details, droppedBefore: dropped } };
}
