/** What can be wrong with an audit log. */
export type FindingKind =
  /** A record says something else than when it was chained. */
  | 'edit'
  /** A record stands between two that follow one another. */
  | 'insert'
  | 'delete'
  /** A record stands in the place of another. */
  | 'swap'
  /** Two records have the same place. */
  | 'fork'
  /** The end is gone. */
  | 'truncation'
  /** The chain fits, but not what was signed: it was made anew. */
  | 'rewrite'
  | 'bad signature'
  | 'time going back'
  /** A producer's numbering has a gap that nobody has explained. */
  | 'missing producer record'
  /** A line of the heads' file is missing, doubled or not a head. */
  | 'broken heads';

export interface Finding {
  readonly kind: FindingKind;
  readonly account: string | null;
  /** The first bad record; null where a head is bad. */
  readonly seq: number | null;
  /** Where only a range is known, its last record. */
  readonly until: number | null;
  /** The head that is bad, or that shows it. */
  readonly head: number | null;
  /** A sentence for people. */
  readonly text: string;
}

/** Clocks of two servers may differ by so much. */
export const TIME_TOLERANCE_MS = 300_000;

/** Problems of heads first, then by record. */
export function inOrder(findings: readonly Finding[]): readonly Finding[] {
  return [...findings].sort((a, b) => (a.seq ?? 0) - (b.seq ?? 0));
}
