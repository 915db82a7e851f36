/**
 * Projections may come late, twice and in any order: the rows end the same, they never go back, and an
 * account sees only its own.
 */
import fc from 'fast-check';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { createProjectionActivities } from '../../activities/projection.ts';
import type { ProjectionBatch } from '../../activities/contract.ts';
import { openDatabase, type Database } from '../../db/database.ts';
import { listIncidents, readIncident, type IncidentFilter } from '../../db/read/incidents.ts';
import { listLogEntries } from '../../db/read/log-entries.ts';
import { seed } from '../../db/seed.ts';
import { openIncident } from '../../domain/incident/open.ts';
import type { IncidentView, LogEntry } from '../../domain/incident/types.ts';
import { newId } from '../../platform/ids.ts';
import { input, T0 } from '../support/incident-samples.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

const logger = pino({ level: 'silent' });
const metrics = { projectionLag: { observe: () => undefined } };
const ACCOUNT = 'PDEMO000000000';
const page = { limit: 100, offset: 0, total: true };

let urls: TestDatabase;
let database: Database;

beforeAll(async () => {
  urls = await createTestDatabase();
  database = openDatabase(urls.appUrl, { poolMax: 4, logger });
  await seed(database);
});
afterAll(async () => {
  await database.close();
  await urls.drop();
});

function view(id: string, revision: number): IncidentView {
  const { view: blank } = openIncident(input(), T0, { workflowId: `w/${id}`, runId: 'run' });
  return { ...blank, id, accountId: ACCOUNT, revision, title: `revision ${revision}` };
}

function entry(incidentId: string, seq: number): LogEntry {
  return {
    id: `${incidentId}-${seq}`,
    ...{ seq, incidentId, at: T0, type: 'annotate_log_entry', channel: 'api' },
    agent: { type: 'user', id: 'U', summary: 'Ada' },
    reason: 'said \0 and \ud800',
    details: { 'key\0': 'value' },
  };
}

const batchesOf = (id: string): readonly ProjectionBatch[] =>
  [1, 2, 3, 4].map((n) => ({ accountId: ACCOUNT, view: view(id, n), entries: [entry(id, n)] }));

test('any order and repetition of batches ends in the same rows', async () => {
  const activities = createProjectionActivities({ database, logger, metrics });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(3), { maxLength: 8 }), async (repeats) => {
      const id = newId('Q');
      const batches = batchesOf(id);
      const shuffled = [...repeats, 3, 1, 0, 2].map((n) => batches[n]);
      for (const batch of shuffled) if (batch) await activities.project(batch);
      const row = await readIncident(database, ACCOUNT, id);
      expect(row?.view.title).toBe('revision 4');
      const filter = {
        incidentId: id,
        since: null,
        until: null,
        overview: false,
        serviceIds: null,
      };
      const entries = await listLogEntries(database, ACCOUNT, { filter, page });
      expect(entries.items.map(({ seq }) => seq)).toEqual([4, 3, 2, 1]);
      expect(entries.total).toBe(4);
    }),
    { numRuns: 20 },
  );
});

test('two writers at once leave the newer revision', async () => {
  const activities = createProjectionActivities({ database, logger, metrics });
  const id = newId('Q');
  await Promise.all([...batchesOf(id), ...batchesOf(id)].map((batch) => activities.project(batch)));
  expect((await readIncident(database, ACCOUNT, id))?.view.revision).toBe(4);
});

test('another account sees nothing of it', async () => {
  const activities = createProjectionActivities({ database, logger, metrics });
  const id = newId('Q');
  await activities.project({ accountId: ACCOUNT, view: view(id, 1), entries: [] });
  expect(await readIncident(database, 'PANOTHER', id)).toBeUndefined();
});

test('a database that is not there is a failure that the workflow tries again', async () => {
  const gone = openDatabase('postgres://x:x@127.0.0.1:1/none', { poolMax: 1, logger });
  const activities = createProjectionActivities({ database: gone, logger, metrics });
  const batch = { accountId: ACCOUNT, view: view('PX', 1), entries: [] };
  await expect(activities.project(batch)).rejects.toMatchObject({
    type: 'ProjectionUnavailable',
    nonRetryable: false,
  });
  await gone.close();
});

test('lists are filtered, sorted and counted', async () => {
  const filter: IncidentFilter = {
    statuses: ['triggered'],
    urgencies: ['high'],
    serviceIds: ['SVC'],
    userIds: [],
    incidentKey: null,
    since: null,
    until: null,
  };
  const sort = [{ field: 'urgency', direction: 'desc' }] as const;
  const found = await listIncidents(database, ACCOUNT, {
    filter,
    sort,
    page: { ...page, limit: 2 },
  });
  expect(found.items).toHaveLength(2);
  expect(found.more).toBe(true);
  expect(found.total).toBeGreaterThan(2);
  const mine = { ...filter, userIds: ['NOBODY'] };
  expect((await listIncidents(database, ACCOUNT, { filter: mine, sort, page })).total).toBe(0);
});

test('each action on an incident is one line of the log, without what people wrote', async () => {
  const lines: string[] = [];
  const loud = pino({ base: null, timestamp: false }, { write: (line) => void lines.push(line) });
  const activities = createProjectionActivities({ database, logger: loud, metrics });
  const id = newId();
  await activities.project({ accountId: ACCOUNT, view: view(id, 1), entries: [entry(id, 1)] });
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    {
      ...{ level: 30, msg: 'incident', accountId: ACCOUNT, incidentId: id, entryId: `${id}-1` },
      ...{ action: 'annotate', by: 'user U', via: 'api', at: T0 },
    },
  ]);
});
