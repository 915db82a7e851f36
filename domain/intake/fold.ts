import type { AlertEvent } from '../event.ts';

/**
 * Events of one key as they travel in one message: a run of triggers becomes its first one with the number of
 * the others, because an alert keeps the details of its first trigger only. An event stands for itself still by
 * its id.
 */
export function foldEvents(events: readonly AlertEvent[]): readonly AlertEvent[] {
  const folded: AlertEvent[] = [];
  for (const event of events) {
    const last = folded.at(-1);
    if (last?.action === 'trigger' && event.action === 'trigger') {
      folded[folded.length - 1] = joined(last, event);
    } else folded.push(event);
  }
  return folded;
}

function joined(first: AlertEvent, next: AlertEvent): AlertEvent {
  const count = (first.repeats?.count ?? 0) + 1 + (next.repeats?.count ?? 0);
  const lastReceivedAt = next.repeats?.lastReceivedAt ?? next.receivedAt;
  return { ...first, repeats: { count, lastReceivedAt } };
}
