// Whatever happens to PostgreSQL, every alert is taken, its page goes out and its answer counts, also by processes
// that start meanwhile; changes are refused whole, and afterwards the lists hold everything, in order and once.
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { inheritedEnvironment } from '../../platform/config.ts';
import { OwnPostgres } from '../support/own-postgres.ts';
import { at, startProduct, type Product } from '../support/product.ts';

/** The long form lengthens the outages and sends more alerts to more people. */
const given = inheritedEnvironment();
const OUTAGE_MS = Number(given['CHAOS_OUTAGE_SECONDS'] ?? 3) * 1000;
const ALERTS_PER_SECOND = Number(given['CHAOS_ALERTS_PER_SECOND'] ?? 2);
const PEOPLE = Array.from({ length: Number(given['CHAOS_PEOPLE'] ?? 6) }, (_, n) => `p${n}`);
const DETECTED = { timeout: 5000, interval: 50 };
const CAUGHT_UP = { timeout: 60_000, interval: 250 };
const TEST_MS = 60_000 + 3 * OUTAGE_MS;

/** An alert that was sent, and who is paged for it. */
interface Sent {
  readonly key: string;
  readonly name: string;
}

let postgres: OwnPostgres;
let product: Product;
const sent: Sent[] = [];

beforeAll(async () => {
  postgres = await OwnPostgres.start();
  const people = Object.fromEntries(PEOPLE.map((name) => [name, { methods: ['push'] as const }]));
  product = await startProduct({ people, database: postgres.urls });
}, 120_000);
afterAll(async () => {
  await product.close();
  await postgres.close();
});
afterEach(everythingIsThere, TEST_MS);

async function alert(): Promise<Sent> {
  const one = { key: `key-${sent.length}`, name: PEOPLE[sent.length % PEOPLE.length] ?? '' };
  sent.push(one);
  await product.alert(one.name, one.key);
  return one;
}

const page = ({ key, name }: Sent) => product.push(name).expectPush(new RegExp(`Alert ${key}\\b`));

/** Alerts at a fixed rate for the length of an outage; all are taken, and all are paged. */
async function holdOut(): Promise<void> {
  const posts: Promise<Sent>[] = [];
  for (const until = Date.now() + OUTAGE_MS; Date.now() < until;) {
    posts.push(alert());
    await sleep(1000 / ALERTS_PER_SECOND);
  }
  await Promise.all((await Promise.all(posts)).map(page));
}

/** A page, answered on the phone. */
async function answerOne(): Promise<void> {
  const one = await alert();
  await (await page(one)).action('Acknowledge');
  await expect.poll(() => liveStatus(one.key), { timeout: 10_000 }).toBe('acknowledged');
}

async function liveStatus(key: string): Promise<unknown> {
  const { body } = await product.rest('GET', `/incidents?date_range=all&incident_key=${key}`);
  return at(body, 'incidents', '0', 'status');
}

async function becomes(mode: string): Promise<void> {
  const read = async (): Promise<unknown> => {
    const response = await fetch(`${product.apiUrl}/health/ready`);
    return [response.status, at(await response.json(), 'database', 'mode')];
  };
  await expect.poll(read, DETECTED).toEqual([200, mode]);
}

async function changesAreRefused(problem: string): Promise<void> {
  const team = { type: 'team', name: `Team of ${problem}` };
  const { status, headers, body } = await product.rest('POST', '/teams', { team });
  expect([status, headers.get('content-type')]).toEqual([503, 'application/problem+json']);
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  expect(body).toMatchObject({ type: `urn:pdlite:problem:${problem}`, status: 503 });
}

/** Each key has its incident, each incident all that its workflow has told, in order; nothing was written twice. */
async function everythingIsThere(): Promise<void> {
  const startedAt = Date.now();
  await expect.poll(missing, CAUGHT_UP).toEqual([]);
  console.log(`${sent.length} incidents are complete after ${Date.now() - startedAt} ms`);
  const wrong = await postgres.ask(`select incident_id from log_entries
    where id = incident_id || '-' || seq group by incident_id
    having max(seq) - min(seq) + 1 <> count(*)`);
  expect(wrong).toEqual([]);
  const rows = await postgres.ask('select incident_key from incidents');
  expect(rows).toHaveLength(new Set(rows.map((row) => row['incident_key'])).size);
  expect(await postgres.ask(`select 1 from teams where name like 'Team of %'`)).toEqual([]);
}

async function missing(): Promise<readonly string[]> {
  const rows = await postgres.ask('select incident_key, id, revision from incidents');
  const known = new Set(rows.map((row) => row['incident_key']));
  const absent = sent.filter(({ key }) => !known.has(key)).map(({ key }) => key);
  return absent.length > 0 ? absent : await behind(rows);
}

/** Incidents whose row is older than what their workflow tells. */
async function behind(rows: readonly Record<string, unknown>[]): Promise<readonly string[]> {
  const old: string[] = [];
  const query = 'WorkflowType = "incident" AND ExecutionStatus = "Running"';
  for await (const { workflowId } of product.temporal.workflow.list({ query })) {
    const handle = product.temporal.workflow.getHandle(workflowId);
    const view = await handle.query<{ id: string; revision: number }>('view');
    const row = rows.find(({ id }) => id === view.id);
    if (Number(row?.['revision']) < view.revision) old.push(`${view.id} at ${view.revision}`);
  }
  return old;
}

test(
  'it is gone: processes that start meanwhile page from the copy on disk',
  async () => {
    await answerOne();
    await expect
      .poll(() => readdir(path.join(product.dataDir, 'directory')), { timeout: 10_000 })
      .toEqual(expect.arrayContaining(['directory-api.copy', 'directory-worker.copy']));
    await postgres.primary.kill();
    await becomes('unavailable');
    await answerOne();
    await changesAreRefused('database-unavailable');
    expect((await product.rest('GET', '/incidents?statuses[]=resolved')).status).toBe(503);
    await Promise.all([product.api.kill(), product.worker.kill()]);
    await Promise.all([product.api.start(), product.worker.start()]);
    const ready: unknown = await (await fetch(`${product.apiUrl}/health/ready`)).json();
    expect(ready).toMatchObject({
      status: 'degraded',
      directory: { loaded: true, source: 'copy' },
    });
    await holdOut();
    await answerOne();
    const { headers } = await product.rest('GET', '/incidents');
    expect(headers.get('pdlite-source')).toBe('workflow');
    await postgres.primary.start();
    await becomes('writable');
  },
  TEST_MS,
);

test(
  'it hangs: nothing waits for it',
  async () => {
    await postgres.primary.hang();
    const startedAt = Date.now();
    await changesAreRefused('database-unavailable');
    expect(Date.now() - startedAt).toBeLessThan(3000);
    await holdOut();
    await answerOne();
    await postgres.primary.resume();
    await becomes('writable');
  },
  TEST_MS,
);

test(
  'it is frozen for writing: it is read, and its lag is told',
  async () => {
    await postgres.setReadOnly(true);
    await becomes('read_only');
    await holdOut();
    await answerByTelephone();
    await changesAreRefused('database-read-only');
    const { status, headers } = await product.rest('GET', '/incidents');
    expect([status, headers.get('pdlite-source')]).toEqual([200, 'projection']);
    expect(Number(headers.get('pdlite-lag-seconds'))).toBeGreaterThan(OUTAGE_MS / 1000);
    await postgres.setReadOnly(false);
    await becomes('writable');
  },
  TEST_MS,
);

/** The list is of before: only the answer's own way tells that it counts. */
async function answerByTelephone(): Promise<void> {
  const one = await alert();
  expect(await (await page(one)).action('Acknowledge')).toBeDefined();
}

test(
  'its address leads to a standby, which then takes over: every row is on the new server',
  async () => {
    const standby = await postgres.addStandby();
    const first = postgres.primary;
    // Nobody cuts what is open, and the first one still takes writes.
    postgres.leadTo(standby, 'kept');
    await becomes('read_only');
    await expect.poll(() => sessions(first), DETECTED).toBe(0);
    await holdOut();
    await changesAreRefused('database-read-only');
    postgres.leadTo(first, 'cut');
    await becomes('writable');
    await expect.poll(() => sessions(standby), DETECTED).toBe(0);
    await postgres.waitForStandby();
    await answerOne();
    const killedAt = Date.now();
    await postgres.failOver(standby);
    await expect.poll(change, { timeout: 15_000, interval: 50 }).toBe(201);
    expect(Date.now() - killedAt).toBeLessThan(15_000);
    await becomes('writable');
    await answerOne();
  },
  TEST_MS,
);

async function change(): Promise<number> {
  return (await product.rest('POST', '/teams', { team: { type: 'team', name: 'After' } })).status;
}

/** Connections of the product to a server. */
async function sessions(server: OwnPostgres['primary']): Promise<number> {
  const [row] = await server.ask(`select count(*)::int as n from pg_stat_activity
    where usename in ('pdlite_app', 'pdlite_directory', 'pdlite_intake')`);
  return Number(row?.['n']);
}
