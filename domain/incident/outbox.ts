import { INCIDENT_LIMITS } from '../limits.ts';
import type { IncidentState, IncidentView, LogEntry } from './types.ts';

/** What one call of the projection writes. */
export interface Batch {
  readonly view: IncidentView | null;
  readonly entries: readonly LogEntry[];
}

/** The oldest that is not yet projected, earlier incidents first; null when there is nothing. */
export function nextBatch(state: IncidentState): Batch | null {
  const leftover = state.leftovers[0];
  if (leftover) return cut(leftover);
  const behind = state.outbox.length > 0 || state.view.revision > state.projectedRevision;
  return state.opened && behind ? cut({ view: state.view, entries: state.outbox }) : null;
}

function cut(batch: Batch): Batch {
  return { view: batch.view, entries: batch.entries.slice(0, INCIDENT_LIMITS.batchEntries) };
}

/** The batch is stored: takes it out. */
export function dropBatch(state: IncidentState, batch: Batch): IncidentState {
  const done = new Set(batch.entries.map((entry) => entry.id));
  const [leftover, ...others] = state.leftovers;
  if (leftover) {
    const entries = leftover.entries.filter((entry) => !done.has(entry.id));
    const leftovers = entries.length > 0 ? [{ view: leftover.view, entries }, ...others] : others;
    return { ...state, leftovers };
  }
  return {
    ...state,
    outbox: state.outbox.filter((entry) => !done.has(entry.id)),
    projectedRevision: batch.view?.revision ?? state.projectedRevision,
  };
}
