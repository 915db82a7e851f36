import type { SpilledRow } from '../../db/spill.ts';
import type { Directory } from '../../domain/directory.ts';
import type { Batch } from './engine.ts';
import { batchLength } from './incident-signal.ts';
import { fromRow } from './spill-row.ts';

/** Rows of one key that go to Temporal by one call. */
export interface DrainUnit {
  readonly key: string;
  readonly ids: readonly number[];
  /** Null: there is nobody any more to whom the events could go. */
  readonly batch: Batch | null;
  /** Set when an earlier call may have stored them. */
  readonly tried: { readonly claim: string; readonly agoMs: number } | null;
}

/**
 * The next unit of each key, in the order given. Rows that were claimed together stay together, so that one
 * event of theirs tells whether all have arrived.
 */
export function nextUnits(rows: readonly SpilledRow[], directory: Directory): readonly DrainUnit[] {
  const byKey = new Map<string, SpilledRow[]>();
  for (const row of rows) {
    const known = byKey.get(row.key);
    if (known) known.push(row);
    else byKey.set(row.key, [row]);
  }
  return [...byKey.values()].flatMap((ofKey) => nextUnit(ofKey, directory) ?? []);
}

function nextUnit(rows: readonly SpilledRow[], directory: Directory): DrainUnit | null {
  const [first] = rows;
  if (!first) return null;
  const end = rows.findIndex((row) => row.claim !== first.claim);
  const together = end === -1 ? rows : rows.slice(0, end);
  const routed = together.map((row) => fromRow(directory, row));
  const known = routed.filter((one) => one !== null);
  const [head, ...rest] = known;
  const unit = { key: first.key, tried: triedOf(first) };
  // Rows of one key lead to one service: either all of them are known or none.
  if (!head) return { ...unit, ids: together.map(({ id }) => id), batch: null };
  const length = unit.tried ? known.length : batchLength(known);
  const ids = together.slice(0, length).map(({ id }) => id);
  return { ...unit, ids, batch: [head, ...rest.slice(0, length - 1)] };
}

function triedOf({ claim, claimedAgoMs }: SpilledRow): DrainUnit['tried'] {
  return claim === null ? null : { claim, agoMs: claimedAgoMs };
}
