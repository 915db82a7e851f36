import type { DatabaseRecords } from '../ledgers/database-records.ts';
import type { CheckContext } from './context.ts';
import { timeDatabase, type DatabaseTimes } from './database-times.ts';
import type { Finding, FindingKind } from './finding.ts';
import type { Limits } from './limits.ts';

/** Whether the product takes note in time of what happens to PostgreSQL, and keeps what it says of changes. */
export function checkDatabase({ run, stories, limits }: CheckContext): readonly Finding[] {
  if (!run.database) return [];
  return [
    ...timeDatabase(run, stories).flatMap((times) => checkTimes(times, limits)),
    ...checkChanges(run.database),
  ];
}

function checkTimes(times: DatabaseTimes, limits: Limits): readonly Finding[] {
  const { window, noticedMs, writableMs, changedMs, listedMs, lastKey } = times;
  const at = window.to ?? window.from;
  const late = (kind: FindingKind, what: string, ms: number | null, limitMs: number): Finding[] => {
    if (ms !== null && ms <= limitMs) return [];
    const when = ms === null ? 'not seen' : `after ${(ms / 1000).toFixed(1)} s`;
    const key = kind === 'lists caught up late' ? lastKey : null;
    return [{ kind, key, at, text: `${window.name}: ${what} ${when}` }];
  };
  const wasShort = noticedMs === null && at - window.from <= limits.noticeMs;
  const mode = `said to be ${window.database?.mode ?? ''}`;
  return [
    ...(wasShort ? [] : late(NOTICED, mode, noticedMs, limits.noticeMs)),
    ...late(NOTICED, 'said to be writable', writableMs, limits.noticeMs),
    ...late('changes refused too long', 'the first change', changedMs, limits.changeMs),
    ...late('lists caught up late', 'in the lists', listedMs, limits.listsMs),
  ];
}

const NOTICED = 'database state noticed late';

function checkChanges({ changes, kept }: DatabaseRecords): readonly Finding[] {
  const isThere = new Set(kept);
  return changes.flatMap(({ name, result, endedAt: at }): readonly Finding[] => {
    if (result === 'made' && !isThere.has(name))
      return [{ kind: 'change lost', key: null, at, text: `${name} is not there in the end` }];
    if (result === 'refused' && isThere.has(name))
      return [{ kind: 'refused change made', key: null, at, text: `${name} is there in the end` }];
    return [];
  });
}
