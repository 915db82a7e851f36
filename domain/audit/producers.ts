import type { LogEntry } from '../incident/types.ts';
import type { Finding } from './findings.ts';
import type { AuditRecord } from './record.ts';

/**
 * Who numbered the entry: the incident, or the run of a responder whose id begins those of its entries
 * (`R`, instance, five digits or more of the number).
 */
export function producerOf({ id, seq, incidentId }: LogEntry): string {
  if (id === `${incidentId}-${seq}`) return incidentId;
  return id.slice(0, id.length - seq.toString(36).padStart(5, '0').length);
}

interface Producer {
  /** Next number that is expected. */
  next: number;
  /** Numbers that came before their turn, with their place in the chain. */
  readonly early: Map<number, number>;
  /** Log entries that the producer itself says it had no room for. */
  dropped: number;
}

/**
 * Watches that what each producer numbered arrived whole. Entries may arrive out of order, as after a rebuild;
 * a producer may have begun before the log did.
 */
export class ProducerWatch {
  readonly #producers = new Map<string, Producer>();

  add(record: AuditRecord): void {
    const { producer: name, producer_seq: number } = record;
    if (name === null || number === null) return;
    const producer = this.#producers.get(name) ?? { next: number, early: new Map(), dropped: 0 };
    this.#producers.set(name, producer);
    producer.dropped += droppedBefore(record.changes);
    if (number > producer.next) producer.early.set(number, record.seq);
    if (number !== producer.next) return;
    producer.next += 1;
    while (producer.early.delete(producer.next)) producer.next += 1;
  }

  /** The first gap, by the place of the record that shows it. */
  finding(account: string): Finding | null {
    let first: Finding | null = null;
    for (const [name, producer] of this.#producers) {
      const { next, early, dropped } = producer;
      const last = Math.max(next - 1, ...early.keys());
      const missing = last - next + 1 - early.size;
      if (missing <= dropped) continue;
      const seq = Math.min(...early.values());
      if (first?.seq != null && first.seq <= seq) continue;
      const text = `Record ${seq} is number ${numberAt(early, seq)} of ${name}, but number ${next} has no record.`;
      first = { kind: 'missing producer record', account, seq, until: null, head: null, text };
    }
    return first;
  }
}

function numberAt(early: ReadonlyMap<number, number>, seq: number): number {
  for (const [number, place] of early) if (place === seq) return number;
  return 0;
}

function droppedBefore(changes: string | null): number {
  const found = changes === null ? null : /"dropped_before":(\d{1,9})/.exec(changes);
  return found ? Number(found[1]) : 0;
}
