import type { DatabaseRecords } from '../ledgers/database-records.ts';
import type { FindingKind } from './finding.ts';
import { DATABASE_FAULT } from './generated-database.ts';
import type { GeneratedRun } from './generated-run.ts';
import { keyOf, type Plant, type Planted } from './plant.ts';

const { to } = DATABASE_FAULT;

/** Each spoils what is seen of PostgreSQL in one way that a product could go wrong. For tests of the checker. */
export const DATABASE_PLANTS: Readonly<Record<string, Plant>> = {
  'nobody says that PostgreSQL takes no writes': (run) => {
    const health = run.database.health.filter(({ mode }) => mode !== 'read_only');
    return spoilt(run, { health }, 'database state noticed late');
  },
  'one of two apis says so late': (run) => {
    const health = run.database.health.map((one) =>
      one.api === 'b' && one.mode === 'read_only' && one.at < to - 1000
        ? { ...one, at: one.at + 5000 }
        : one,
    );
    return spoilt(run, { health }, 'database state noticed late');
  },
  'an api goes on saying that PostgreSQL takes no writes': (run) => {
    const health = run.database.health.map((one) =>
      one.at >= to ? { ...one, at: one.at + 5001 } : one,
    );
    return spoilt(run, { health }, 'database state noticed late');
  },
  'changes are refused though PostgreSQL takes writes again': (run) => {
    const changes = run.database.changes.map((one) =>
      one.endedAt >= to && one.endedAt < to + 15_100 ? { ...one, result: 'unknown' as const } : one,
    );
    return spoilt(run, { changes }, 'changes refused too long');
  },
  'another server takes over only after a minute': (run) => {
    const faults = run.faults.map((one) =>
      one.database ? { ...one, database: { ...one.database, takenOver: true } } : one,
    );
    return spoilt({ ...run, faults }, {}, 'changes refused too long');
  },
  'lists lack an incident for minutes': (run) => {
    const key = keyOf(run, 'unanswered');
    const listed = run.database.listed.map((one) =>
      one.key === key ? { ...one, at: one.at + 60_000 } : one,
    );
    return { ...spoilt(run, { listed }, 'lists caught up late'), key };
  },
  'lists show as open what has resolved': (run) => {
    const key = keyOf(run, 'resolved');
    const listed = run.database.listed.flatMap((one) =>
      one.key === key
        ? [
            { ...one, status: 'triggered' as const },
            { ...one, at: one.at + 60_000 },
          ]
        : [one],
    );
    return { ...spoilt(run, { listed }, 'lists caught up late'), key };
  },
  'lists never show one of an alert’s two incidents': (run) => {
    const key = keyOf(run, 'reopened');
    const last = run.database.listed.findLast((one) => one.key === key);
    const listed = run.database.listed.filter((one) => one !== last);
    return { ...spoilt(run, { listed }, 'lists caught up late'), key };
  },
  'a change that was made is gone': (run) => {
    const made = run.database.changes.find(({ result }) => result === 'made');
    const kept = run.database.kept.filter((name) => name !== made?.name);
    return spoilt(run, { kept }, 'change lost');
  },
  'a change that was refused is there': (run) => {
    const refused = run.database.changes.filter(({ result }) => result === 'refused');
    const kept = [...run.database.kept, refused.at(-1)?.name ?? ''];
    return spoilt(run, { kept }, 'refused change made');
  },
};

function spoilt(run: GeneratedRun, database: Partial<DatabaseRecords>, kind: FindingKind): Planted {
  return { run: { ...run, database: { ...run.database, ...database } }, kind, key: null };
}
