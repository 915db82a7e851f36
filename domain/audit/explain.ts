import type { FindingKind } from './findings.ts';
import {
  canonicalRecord,
  CanonicalWriter,
  NO_HASH,
  toHex,
  type AuditRecord,
  type Sha256,
} from './record.ts';

/** How far from its place a record that was moved is looked for; from farther away it counts as edited. */
const MOVED_MAX = 1000;

/** The place in a chain that does not fit. */
export interface Break {
  /** Number that the record should have. */
  readonly place: number;
  readonly record: AuditRecord;
  /** The one before, which fits; absent at the first place. */
  readonly good: AuditRecord | undefined;
  readonly next: AuditRecord | undefined;
}

export interface Explanation {
  readonly kind: FindingKind;
  /** The first bad record. */
  readonly seq: number;
  readonly text: string;
}

const say = (kind: FindingKind, seq: number, text: string): Explanation => ({ kind, seq, text });

/** What was done where a chain breaks. */
export function explainBreak(sha256: Sha256, where: Break): Explanation {
  const { place, record, next } = where;
  const { seq } = record;
  if (seq < place || next?.seq === seq) {
    return say('fork', seq, `Two records have the number ${seq}.`);
  }
  if (seq > place) return say('delete', place, `Record ${place} is missing.`);
  return explainByHash(sha256, where);
}

/**
 * The number is right, the content or the link is not. A record that was only moved still has the hash of its old
 * number, which tells where it came from; and the record after a forged one names the hash of the one that
 * belonged there.
 */
function explainByHash(sha256: Sha256, { place, record, good, next }: Break): Explanation {
  const own = placeOf(sha256, record);
  const nextOwn = next ? placeOf(sha256, next) : null;
  const displaced = nextOwn === place && next?.prev_hash === (good?.hash ?? NO_HASH);
  if (displaced && own !== place + 1) {
    return say('insert', place, `Record ${place} was put in; the one that belongs there is next.`);
  }
  if (own === null) return say('edit', place, `Record ${place} is not what was recorded.`);
  if (own < place) {
    return say('insert', own, `Record ${own} was put in; the one that belongs there is ${place}.`);
  }
  if (own === place) {
    // It is whole, and follows another record than the one that is before it here.
    const bad = Math.max(1, place - 1);
    return say('edit', bad, `Record ${bad} is not the one that record ${place} follows.`);
  }
  return nextOwn === place + 1 || nextOwn === place
    ? say('swap', place, `Record ${place} was number ${own}.`)
    : say('delete', place, `Record ${place} is missing; what stands there was number ${own}.`);
}

/** The number with which the record's own hash fits; null where none near it does. */
function placeOf(sha256: Sha256, record: AuditRecord): number | null {
  const writer = new CanonicalWriter();
  const fits = (seq: number) =>
    seq > 0 && toHex(sha256(canonicalRecord(writer, record, seq))) === record.hash;
  for (let distance = 0; distance <= MOVED_MAX; distance += 1) {
    if (fits(record.seq - distance)) return record.seq - distance;
    if (fits(record.seq + distance)) return record.seq + distance;
  }
  return null;
}
