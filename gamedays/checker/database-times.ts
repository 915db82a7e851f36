import type { DatabaseRecords, ListedRecord } from '../ledgers/database-records.ts';
import type { FaultWindow, RunRecords } from '../ledgers/records.ts';
import type { KeyStory } from './story.ts';

/** How long the product took over one fault of PostgreSQL, milliseconds; null: it was not seen to happen. */
export interface DatabaseTimes {
  readonly window: FaultWindow;
  /** From its beginning until every api said so. */
  readonly noticedMs: number | null;
  /** From its end until every api said that changes are taken. */
  readonly writableMs: number | null;
  /** Until the first change was made: from its end, or from its beginning where another server took over. */
  readonly changedMs: number | null;
  /** From its end until the lists showed all that had been accepted by then. */
  readonly listedMs: number | null;
  /** The alert that was shown last, or first not at all; null: nothing had been accepted. */
  readonly lastKey: string | null;
}

/** One for each fault of PostgreSQL that is over, by time. */
export function timeDatabase(
  { faults, database, observedUntil }: RunRecords,
  stories: ReadonlyMap<string, KeyStory>,
): readonly DatabaseTimes[] {
  if (!database) return [];
  const windows = faults
    .filter((window) => window.database)
    .sort((one, other) => one.from - other.from);
  return windows.flatMap((window, n) => {
    const { from, to } = window;
    if (to === null) return [];
    const until = windows[n + 1]?.from ?? observedUntil;
    const last = lastListed(stories, database.listed, to);
    return [
      {
        window,
        noticedMs: saidAfter(database, window.database?.mode ?? '', [from, to]),
        writableMs: saidAfter(database, 'writable', [to, until]),
        changedMs: changedAfter(database, window),
        listedMs: last.at === null ? null : Math.max(0, last.at - to),
        lastKey: last.key,
      },
    ];
  });
}

/** An api that answers nothing for so long is not there, and not waited for. */
const AWAY_MS = 5000;

/** Until the last of the apis that are there says so. */
function saidAfter(
  { health }: DatabaseRecords,
  mode: string,
  [from, until]: readonly [number, number],
): number | null {
  const byApi = Map.groupBy(
    health.filter(({ at }) => at >= from && at <= until),
    ({ api }) => api,
  );
  const times = [...byApi.values()].flatMap((own) => {
    if (!own.some(({ at, mode: any }) => any !== null && at <= from + AWAY_MS)) return [];
    const said = own.find((one) => one.mode === mode);
    return [said ? said.at - from : null];
  });
  return times.length === 0 || times.includes(null) ? null : Math.max(...times.map(Number));
}

function changedAfter({ changes }: DatabaseRecords, window: FaultWindow): number | null {
  const end = window.to ?? Infinity;
  const first = changes
    .filter(({ result, endedAt }) => result === 'made' && endedAt >= end)
    .map(({ endedAt }) => endedAt);
  const since = window.database?.takenOver ? window.from : end;
  return first.length === 0 ? null : Math.min(...first) - since;
}

/** Of all that had been accepted by an instant what the lists showed last, and when; `at` null: never. */
export function lastListed(
  stories: ReadonlyMap<string, KeyStory>,
  listed: readonly ListedRecord[],
  acceptedBy: number,
): { readonly key: string | null; readonly at: number | null } {
  const byKey = Map.groupBy(listed, ({ key }) => key);
  let last: { key: string | null; at: number } = { key: null, at: 0 };
  for (const story of stories.values()) {
    const { key } = story;
    const at = whenShown(byKey.get(key) ?? [], owed(story, acceptedBy));
    if (at === null) return { key, at };
    if (at > last.at) last = { key, at };
  }
  return last;
}

interface Owed {
  readonly opened: number;
  readonly resolved: number;
}

/** How many incidents of the key there certainly were by then, and how many of them were over. */
function owed({ episodes }: KeyStory, by: number): Owed {
  const isBy = (certainAt: number | null): boolean => certainAt !== null && certainAt <= by;
  const opened = episodes.filter((one) => !one.ambiguous && isBy(one.opened.certainAt));
  const resolved = opened.filter(({ stops }) =>
    stops.some(({ kind, certainAt }) => kind === 'resolve' && isBy(certainAt)),
  );
  return { opened: opened.length, resolved: resolved.length };
}

/** When so many of the key's incidents were shown, and so many as over; null: never. */
function whenShown(listed: readonly ListedRecord[], { opened, resolved }: Owed): number | null {
  const over = listed.filter(({ status }) => status === 'resolved');
  const times = [nthShown(listed, opened), nthShown(over, resolved)];
  return times.includes(null) ? null : Math.max(...times.map(Number));
}

function nthShown(listed: readonly ListedRecord[], n: number): number | null {
  if (n === 0) return 0;
  const firsts = new Map<string, number>();
  for (const { id, at } of listed) firsts.set(id, Math.min(at, firsts.get(id) ?? Infinity));
  return [...firsts.values()].sort((a, b) => a - b)[n - 1] ?? null;
}
