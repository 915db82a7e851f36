/** With 100,000 incidents of one account the first page of any list is there within 100 ms, 19 times of 20. */
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { openDatabase, type Database } from '../../db/database.ts';
import { listIncidents, type IncidentFilter, type Sort } from '../../db/read/incidents.ts';
import { seed } from '../../db/seed.ts';
import { openIncident } from '../../domain/incident/open.ts';
import { input, T0 } from '../support/incident-samples.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

const ACCOUNT = 'PDEMO000000000';
const ROWS = 100_000;
const LIMIT_MS = 100;
const RUNS = 20;

let urls: TestDatabase;
let database: Database;

beforeAll(async () => {
  urls = await createTestDatabase();
  database = openDatabase(urls.appUrl, { poolMax: 2, logger: pino({ level: 'silent' }) });
  await seed(database);
  const client = new pg.Client({ connectionString: urls.superuserUrl });
  await client.connect();
  await client.query(FILL, [
    ACCOUNT,
    ROWS,
    openIncident(input(), T0, { workflowId: 'w', runId: 'r' }).view,
  ]);
  await client.query('vacuum analyze incidents');
  await client.end();
}, 120_000);
afterAll(async () => {
  await database.close();
  await urls.drop();
});

/** One in a hundred is open, one in ten of low urgency; they are spread over ten services and half a year. */
const FILL = `
insert into incidents (id, account_id, number, service_id, escalation_policy_id, status, urgency, title,
  incident_key, created_at, updated_at, resolved_at, assignee_ids, workflow_id, run_id, revision, view)
select 'Q' || n, $1::text, n, 'S' || n % 10, 'P', case when n % 100 = 0 then 'triggered' else 'resolved' end,
  case when n % 10 = 3 then 'low' else 'high' end, 'incident ' || n, 'key-' || n, at, at,
  case when n % 100 = 0 then null else at + interval '1 hour' end,
  case when n % 100 = 0 then array['U' || n % 7] else array[]::text[] end, 'w' || n, 'r', 1, $3::jsonb
from (select n, now() - n * interval '150 seconds' as at from generate_series(1, $2::int) n) made`;

const everything: IncidentFilter = {
  statuses: [],
  urgencies: [],
  serviceIds: [],
  userIds: [],
  incidentKey: null,
  since: null,
  until: null,
};
const newest: readonly Sort[] = [{ field: 'created_at', direction: 'desc' }];
const by = (field: Sort['field'], direction: Sort['direction']) => [{ field, direction }] as const;
const monthAgo = () => new Date(Date.now() - 31 * 86_400_000).toISOString();

const lists: readonly [string, Partial<IncidentFilter>, readonly Sort[]][] = [
  ['newest', {}, newest],
  ['the last month, oldest first', { since: monthAgo() }, by('created_at', 'asc')],
  ['open', { statuses: ['triggered', 'acknowledged'] }, newest],
  ['low urgency', { urgencies: ['low'] }, newest],
  ['one service', { serviceIds: ['S3'] }, newest],
  ['one assignee', { userIds: ['U3'] }, newest],
  ['a key', { incidentKey: 'key-77777' }, newest],
  ['a key that nothing has', { incidentKey: 'none' }, newest],
  ['by number', {}, by('incident_number', 'desc')],
  ['by urgency, highest first', {}, by('urgency', 'desc')],
  ['by the end', {}, by('resolved_at', 'asc')],
];

test.each(lists)('%s', async (name, change, sort) => {
  const filter = { ...everything, ...change };
  const page = { limit: 25, offset: 0, total: false };
  const taken: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const startedAt = performance.now();
    await listIncidents(database, ACCOUNT, { filter, sort, page });
    taken.push(performance.now() - startedAt);
  }
  const p95 = taken.sort((a, b) => a - b)[Math.ceil(RUNS * 0.95) - 1] ?? Infinity;
  expect(p95, `${name}: ${p95.toFixed(1)} ms`).toBeLessThan(LIMIT_MS);
});
