import type { ChangeRecord, DatabaseRecords, HealthRecord } from '../ledgers/database-records.ts';
import type { FaultWindow, FinalIncident } from '../ledgers/records.ts';
import type { Random } from '../random.ts';

/** Of a generated run, when nothing else is under way any more. */
export const DATABASE_FAULT: FaultWindow & { readonly to: number } = {
  ...{ id: 'f2', name: 'read-only app', from: 1_700_000, to: 1_760_000, stopsPaging: false },
  database: { mode: 'read_only', takenOver: false },
};

const CHANGE_EVERY_MS = 5000;

/** What would be seen of PostgreSQL if the product did everything right. */
export function generateDatabase(
  random: Random,
  finals: readonly FinalIncident[],
): DatabaseRecords {
  const { from, to } = DATABASE_FAULT;
  const changes = Array.from({ length: 40 }, (_, n): ChangeRecord => {
    const sentAt = from - 60_000 + n * CHANGE_EVERY_MS + random.int(0, 900);
    const isOut = sentAt > from && sentAt < to + random.int(0, 4000);
    const result = isOut ? random.pick(['refused', 'refused', 'unknown'] as const) : 'made';
    return { name: `Change ${n}`, sentAt, endedAt: sentAt + random.int(5, 90), result };
  });
  return {
    health: ['a', 'b'].flatMap((api) => healthOf(api, random)),
    changes,
    listed: finals.map((final) => ({ ...final, at: to + random.int(300, 50_000) })),
    // What nobody knows may have been made.
    kept: changes
      .filter(({ result }) => result === 'made' || (result === 'unknown' && random.chance(0.5)))
      .map(({ name }) => name),
  };
}

function healthOf(api: string, random: Random): readonly HealthRecord[] {
  const { from, to } = DATABASE_FAULT;
  const said = (at: number, mode: string | null): HealthRecord => ({ api, at, mode });
  return [
    said(from - 500, 'writable'),
    said(from + random.int(0, 200), 'writable'),
    said(from + 250, null),
    said(from + random.int(300, 4900), 'read_only'),
    said(to - random.int(0, 200), 'read_only'),
    said(to + random.int(0, 4900), 'writable'),
  ];
}
