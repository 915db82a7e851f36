import type { SpilledRow, SpillRow } from '../../db/spill.ts';
import type { Directory } from '../../domain/directory.ts';
import type { AlertEvent } from '../../domain/event.ts';
import { urgencyOf } from '../../domain/incident/alerts.ts';
import { settingsOf } from '../../domain/on-call.ts';
import type { RoutedEvent } from './sink.ts';

/**
 * Acknowledgements and resolves first: each is one short call, and until it is made somebody may be paged for
 * what is over, since an engine that comes back begins with the steps that fell due meanwhile.
 */
const RANKS = { answer: 0, critical: 1, error: 2, warning: 3, info: 4 } as const;
/** What is of low urgency comes after all that is of high urgency. */
const LOW_URGENCY = 5;

/** In which turn an event is drained: 0 first. */
export function rankOf({ index, service, event }: RoutedEvent): number {
  const { action, payload } = event;
  const severity = payload?.severity ?? null;
  const rank = action === 'trigger' ? RANKS[severity ?? 'critical'] : RANKS.answer;
  const settings = settingsOf(index, service.id);
  const urgency = settings ? urgencyOf(settings, severity) : 'high';
  return urgency === 'low' ? rank + LOW_URGENCY : rank;
}

export interface SpillOptions {
  readonly delayMs: number;
  /** Names the call by which they may have reached Temporal. */
  readonly claim: string | null;
}

/** The event as a row of this key, the id of its workflow. */
export function toRow(
  key: string,
  routed: RoutedEvent,
  { delayMs, claim }: SpillOptions,
): SpillRow {
  return {
    accountId: routed.index.account.id,
    serviceId: routed.service.id,
    key,
    rank: rankOf(routed),
    delayMs,
    event: JSON.stringify(routed.event),
    claim,
  };
}

/** The row's event, to where it leads by now; null when its service is gone or disabled. */
export function fromRow(directory: Directory, row: SpilledRow): RoutedEvent | null {
  const index = directory.account(row.accountId);
  const service = index?.services.get(row.serviceId);
  if (!index || service?.status !== 'active') return null;
  // Written by `toRow` only.
  const event = JSON.parse(row.event) as AlertEvent;
  return { index, service, event: { ...event, waitedMs: row.waitedMs } };
}
