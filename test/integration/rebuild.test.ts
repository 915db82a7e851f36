// What was lost of the lists and timelines is made anew from the workflows' histories, exactly as it was: all of it
// or one account's, as often as one likes, and on from where it was interrupted.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { inheritedEnvironment } from '../../platform/config.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { at, startProduct, type Product } from '../support/product.ts';

const cli = fileURLToPath(new URL('../../cli/pdlite.mjs', import.meta.url));
/** Everything but when it was written. */
const TABLES = {
  incidents: `select to_jsonb(t) - 'projected_at' as row from incidents t order by account_id, id`,
  log_entries: `select to_jsonb(t) - 'projected_at' as row from log_entries t order by account_id, id`,
  incident_alert_keys: `select to_jsonb(t) as row from incident_alert_keys t order by 1`,
};
type Rows = Readonly<Record<string, readonly unknown[]>>;

let urls: TestDatabase;
let product: Product;
let database: pg.Client;
let whole: Rows;

beforeAll(async () => {
  urls = await createTestDatabase();
  database = new pg.Client({ connectionString: urls.superuserUrl });
  await database.connect();
  product = await startProduct({
    people: { ada: { methods: ['push'] }, bea: { methods: ['sms'] }, cyd: { account: 'other' } },
    database: urls,
  });
});
afterAll(async () => {
  await product.close();
  await database.end();
  await urls.drop();
});

/** Incidents that are open, answered, noted, resolved, merged, and opened again on the same key. */
async function liveThrough(): Promise<void> {
  for (const key of ['open', 'again', 'target', 'source']) await product.alert('ada', key);
  await product.alert('bea', 'answered');
  await product.alert('cyd', 'elsewhere');
  await (await product.phone('bea').expectSms(/Alert answered/)).reply('4');
  const target = await product.incident('target', 'triggered');
  const source = await product.incident('source', 'triggered');
  const reference = { type: 'incident_reference', id: at(source, 'id') };
  const id = String(at(target, 'id'));
  await product.rest('PUT', `/incidents/${id}/merge`, { source_incidents: [reference] });
  await product.rest('POST', `/incidents/${id}/notes`, { note: { content: 'looking' } });
  await product.alert('ada', 'again', { action: 'resolve' });
  await product.incident('again', 'resolved');
  await product.alert('ada', 'again');
  await product.incident('again', 'triggered');
  await product.incident('answered', 'acknowledged');
  await product.incident('source', 'resolved');
}

async function dump(): Promise<Rows> {
  const read = Object.entries(TABLES).map(async ([name, sql]) => {
    const { rows } = await database.query<{ row: unknown }>(sql);
    return [name, rows.map(({ row }) => row)] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}

/** What is there once nothing is written any more. */
async function settled(): Promise<Rows> {
  let last = '';
  const isStill = async (): Promise<boolean> => {
    const before = last;
    last = JSON.stringify(await dump());
    return before === last;
  };
  await expect.poll(isStill, { timeout: 30_000, interval: 2500 }).toBe(true);
  return JSON.parse(last) as Rows;
}

async function lose(where = 'true'): Promise<void> {
  for (const table of Object.keys(TABLES).toReversed())
    await database.query(`delete from ${table} where ${where}`);
}

async function rebuild(...args: readonly string[]): Promise<{ code: number; text: string }> {
  const env = { ...inheritedEnvironment(), ...product.environment };
  const child = spawn(process.execPath, [cli, 'rebuild', ...args], { env });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return { code, text };
}

const audited = async (): Promise<unknown> =>
  (await database.query('select count(*)::int as n, max(seq)::int as last from audit_records'))
    .rows;

test('incidents of every fate are in the lists', async () => {
  await liveThrough();
  whole = await settled();
  expect(whole['incidents']?.length).toBeGreaterThanOrEqual(7);
  expect(whole['incident_alert_keys']?.length).toBeGreaterThan(0);
});

test('what is lost is written again as it was, and nothing twice', async () => {
  const records = await audited();
  await lose();
  const { code, text } = await rebuild();
  expect([code, text]).toEqual([
    0,
    expect.stringMatching(/Done: \d+ workflow runs, \d+ log entries/),
  ]);
  expect(await dump()).toEqual(whole);
  expect(await audited()).toEqual(records);
  expect((await rebuild()).code).toBe(0);
  expect(await dump()).toEqual(whole);
});

test('what is damaged is mended, and what is newer stays', async () => {
  await database.query(`update incidents set title = 'damaged', view = view || '{"title":"damaged"}'
    where incident_key = 'open'`);
  await database.query(`update log_entries set entry = '{}'`);
  expect((await rebuild()).code).toBe(0);
  expect(await dump()).toEqual(whole);
  await database.query(`update incidents set revision = 9999 where incident_key = 'open'`);
  expect((await rebuild()).code).toBe(0);
  const { rows } = await database.query(
    `select revision from incidents where incident_key = 'open'`,
  );
  expect(rows).toEqual([{ revision: 9999 }]);
});

test('one account’s are made anew, by its name', async () => {
  const other = product.person('cyd');
  const index = whole['incidents']?.find((row) => at(row, 'incident_key') === 'elsewhere');
  await lose();
  const { code } = await rebuild('--account', other.account);
  expect(code).toBe(0);
  expect((await dump())['incidents']).toEqual([index]);
  expect(await rebuild('--account', 'nobody')).toMatchObject({
    code: 2,
    text: expect.stringContaining('There is no account nobody.') as string,
  });
  expect((await rebuild()).code).toBe(0);
  expect(await dump()).toEqual(whole);
});

test('one that was interrupted goes on where it stopped', async () => {
  await lose();
  await database.query(`create function refuse() returns trigger language plpgsql as
    $$ begin raise exception 'disturbed' using errcode = 'XX000'; end $$;
    create trigger refuse before insert on log_entries for each row execute function refuse()`);
  expect(await rebuild()).toMatchObject({
    code: 1,
    text: expect.stringMatching(/disturbed.*Run it again to go on/s) as string,
  });
  const [file = ''] = (await readdir(product.dataDir)).filter((name) =>
    name.startsWith('rebuild-'),
  );
  const noted: unknown = JSON.parse(await readFile(path.join(product.dataDir, file), 'utf8'));
  expect(Date.parse(String(at(noted, 'doneUntil')))).toBeGreaterThan(Date.now() - 86_400_000);
  await database.query('drop function refuse cascade');
  expect((await rebuild()).code).toBe(0);
  expect(await dump()).toEqual(whole);
  await writeFile(path.join(product.dataDir, file), 'damaged');
  expect((await rebuild()).code).toBe(0);
});

test('while PostgreSQL takes no writes it says so and does nothing', async () => {
  await database.query(`alter database ${urls.name} set default_transaction_read_only = on`);
  const { code, text } = await rebuild();
  await database.query('set session characteristics as transaction read write');
  await database.query(`alter database ${urls.name} reset default_transaction_read_only`);
  expect([code, text]).toEqual([2, expect.stringContaining('PostgreSQL is read-only.')]);
});
