// A change of configuration is in force in every process within two seconds, also when notifications or
// connections are lost; without PostgreSQL the last good copy answers, and its age is told.
import { setTimeout as sleep } from 'node:timers/promises';

import pg from 'pg';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';

import { openDatabase, type Database } from '../../db/database.ts';
import { openDirectory, type LiveDirectory } from '../../db/directory.ts';
import { seed } from '../../db/seed.ts';
import { DEMO_KEYS } from '../../db/seed-accounts.ts';
import { onCallsOf, resolveTargets, settingsOf } from '../../domain/on-call.ts';
import { hashKey } from '../../platform/ids.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

const silent = pino({ level: 'silent' });
const DEMO = 'PDEMO000000000';
let urls: TestDatabase;
let database: Database;
const opened: LiveDirectory[] = [];

beforeAll(async () => {
  urls = await createTestDatabase();
  database = openDatabase(urls.appUrl, { poolMax: 2, logger: silent });
  await seed(database);
}, 60_000);
afterEach(async () => {
  await Promise.all(opened.splice(0).map((directory) => directory.close()));
});
afterAll(async () => {
  await database.close();
  await urls.drop();
});

async function open(pollMs?: number): Promise<LiveDirectory> {
  const directory = await openDirectory(urls.directoryUrl, {
    logger: silent,
    ...(pollMs === undefined ? {} : { pollMs }),
  });
  opened.push(directory);
  return directory;
}

async function within(limitMs: number, isTrue: () => boolean): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error(`not within ${limitMs} ms`);
    await sleep(5);
  }
}

const rename = (name: string) =>
  database.inAccount(DEMO, (trx) =>
    trx('services').where({ name: 'Checkout' }).update({ description: name }),
  );
const described = (directory: LiveDirectory, text: string) => () =>
  directory.account(DEMO)?.services.get('PSERVICESHOP00')?.description === text;

/** In another database, so that it works while this one lets nobody in. */
async function asSuperuser(sql: string): Promise<void> {
  const url = new URL(urls.superuserUrl);
  url.pathname = '/postgres';
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  await client.query(sql);
  await client.end();
}

it('answers every look-up from the seeded accounts', async () => {
  const directory = await open();
  expect(directory.ready).toBe(true);
  expect(
    directory
      .accounts()
      .map(({ account }) => account.subdomain)
      .sort(),
  ).toEqual(['demo', 'pdlite-operations']);
  const found = directory.integrationByKeyHash(hashKey(DEMO_KEYS.eventsV2));
  expect(found?.integration.serviceId).toBe('PSERVICESHOP00');
  expect(directory.integrationByKeyHash(hashKey('other'))).toBeUndefined();
  expect(directory.contactMethodsByAddress('ADA@example.com')).toMatchObject([
    { userId: 'PUSERADA000000' },
  ]);
  // One number, two methods: SMS and voice.
  expect(directory.contactMethodsByAddress('+15005550101')).toHaveLength(2);
  const index = directory.account(DEMO);
  if (!index) throw new Error('no demo account');
  const now = new Date().toISOString();
  expect(onCallsOf(index, now).map(({ level }) => level)).toEqual([1, 2, 3]);
  const targets = settingsOf(index, 'PSERVICESHOP00')?.policy.rules[0]?.targets ?? [];
  expect(resolveTargets(index, targets, now, 'high')).toMatchObject({ via: 'policy', empty: [] });
});

it('shows a change in two processes within two seconds, and far sooner when told', async () => {
  const both = [await open(60_000), await open(60_000)];
  await rename('told');
  await Promise.all(both.map((directory) => within(500, described(directory, 'told'))));
});

it('shows a change within two seconds when no notification arrives', async () => {
  const directory = await open();
  await asSuperuser(`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = '${urls.name}' and query ilike 'listen%'`);
  await rename('polled');
  await within(2000, described(directory, 'polled'));
});

it('forgets a removed account and its keys', async () => {
  const directory = await open();
  const hash = 'f'.repeat(64);
  await database.inAccount('GONE', async (trx) => {
    await trx('accounts').insert({ id: 'GONE', subdomain: 'gone', name: 'x', owner_user_id: 'U' });
    await trx('api_keys').insert({
      ...{ id: 'K', account_id: 'GONE', name: 'x' },
      ...{ key_hash: hash, role: 'admin' },
    });
  });
  await within(2000, () => directory.apiKeyByHash(hash)?.index.account.id === 'GONE');
  await database.inAccount('GONE', (trx) => trx('accounts').del());
  await within(2000, () => directory.account('GONE') === undefined);
  expect(directory.apiKeyByHash(hash)).toBeUndefined();
});

it('resolves a refresh only when what was committed before it is in force', async () => {
  const directory = await open(60_000);
  for (const round of Array.from({ length: 20 }, (_, n) => `round ${n}`)) {
    await rename(round);
    await Promise.all([directory.refresh(), directory.refresh()]);
    expect(described(directory, round)()).toBe(true);
  }
});

it('keeps an account’s last good copy when its configuration cannot be read', async () => {
  const directory = await open();
  const before = directory.account(DEMO)?.config.schedules;
  await database.inAccount(DEMO, (trx) => trx('schedules').update({ layers: '[{"bad":true}]' }));
  await directory.refresh();
  expect(directory.account(DEMO)?.config.schedules).toEqual(before);
  await database.inAccount(DEMO, (trx) =>
    trx('schedules').update({ layers: JSON.stringify(before?.[0]?.layers ?? []) }),
  );
  await rename('mended');
  await within(2000, described(directory, 'mended'));
});

it('lives through a database that turns it away, grows older, and recovers by itself', async () => {
  const directory = await open(100);
  await asSuperuser(`alter database ${urls.name} allow_connections false`);
  await asSuperuser(`select pg_terminate_backend(pid) from pg_stat_activity
    where usename = 'pdlite_directory' and datname = '${urls.name}'`);
  await within(3000, () => directory.ageMs() > 600);
  expect(directory.account(DEMO)).toBeDefined();
  await expect(directory.refresh()).rejects.toThrow();
  await asSuperuser(`alter database ${urls.name} allow_connections true`);
  await rename('recovered');
  await within(2000, described(directory, 'recovered'));
  expect(directory.ageMs()).toBeLessThan(600);
}, 15_000);

it('opens without a database, not ready', async () => {
  const directory = await openDirectory('postgres://u:p@127.0.0.1:1/x', { logger: silent });
  opened.push(directory);
  expect(directory.ready).toBe(false);
  expect(directory.accounts()).toEqual([]);
});
