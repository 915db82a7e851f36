// How soon the product takes note of PostgreSQL is told by the apis that are there: one that is gone says nothing.
import { expect, it } from 'vitest';

import type { HealthRecord } from '../ledgers/database-records.ts';
import { USUAL_LIMITS } from './limits.ts';
import { timeDatabase } from './database-times.ts';
import { generateRun } from './generated-run.ts';
import { tellStories } from './story.ts';

const window = {
  ...{ id: 'f', name: 'failover postgres', from: 10_000, to: 15_000, stopsPaging: false },
  database: { mode: 'unavailable', takenOver: true },
} as const;

function times(health: readonly HealthRecord[]) {
  const run = generateRun('database-times');
  const database = { changes: [], listed: [], kept: [], health };
  const records = { ...run, faults: [window], database, observedUntil: 60_000 };
  const [first] = timeDatabase(records, tellStories(records, USUAL_LIMITS));
  return [first?.noticedMs, first?.writableMs];
}

const api = (name: string, samples: Readonly<Record<number, string | null>>): HealthRecord[] =>
  Object.entries(samples).map(([at, mode]) => ({ api: name, at: Number(at), mode }));

const well = api('b', { 10_500: 'writable', 11_000: 'unavailable', 16_000: 'writable' });

it('one that answers nothing is not waited for', () => {
  const gone = api('a', { 10_500: null, 16_000: null, 50_000: 'writable' });
  expect(times([...well, ...gone])).toEqual([1000, 1000]);
});

it('one that answers, and says something else, is', () => {
  const slow = api('a', { 10_500: 'writable', 16_000: 'unavailable', 24_000: 'writable' });
  expect(times([...well, ...slow])).toEqual([null, 9000]);
});

it('where none answers, nothing was seen', () => {
  expect(times(api('a', { 10_500: null, 16_000: null }))).toEqual([null, null]);
});
