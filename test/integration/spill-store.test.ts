// The spill keeps what it was given, hands it out most severe first, accounts in turns and whole keys in order,
// to one drainer at a time; and nobody but its own role sees it.
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';

import { Drainer } from '../../api/intake/drainer.ts';
import type { Batch, Engine } from '../../api/intake/engine.ts';
import { openSpill, type SpillRow, type SpillStore } from '../../db/spill.ts';
import { alertEvent } from '../support/incident-samples.ts';
import { memoryDirectory, sampleAccount } from '../support/memory-directory.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

let urls: TestDatabase;
let spill: SpillStore;
let superuser: pg.Client;
beforeAll(async () => {
  urls = await createTestDatabase();
  spill = openSpill(urls.intakeUrl, { logger: pino({ level: 'silent' }) });
  superuser = new pg.Client({ connectionString: urls.superuserUrl });
  await superuser.connect();
});
beforeEach(async () => {
  await superuser.query('truncate spill');
  await superuser.query(`update spill_lease set holder = null, held_until = '-infinity'`);
});
afterAll(async () => {
  await superuser.end();
  await spill.close();
  await urls.drop();
});

const row = (key: string, more: Partial<SpillRow> = {}): SpillRow => ({
  accountId: 'A',
  serviceId: 'S',
  key,
  rank: 0,
  delayMs: 0,
  event: JSON.stringify({ key, emoji: '🔥' }),
  claim: null,
  ...more,
});
const look = (...keys: string[]) => spill.look(keys, 1000);
const keysOf = (rows: readonly { readonly key: string }[]) => rows.map(({ key }) => key);
const CALL = '11111111-1111-4111-8111-111111111111';

it('gives back what it was given, whole keys in the order of insertion', async () => {
  await spill.insert([row('k', { event: '"1"' }), row('l'), row('k', { event: '"2"' })]);
  await spill.insert([row('k', { event: '"3"', claim: CALL })]);
  const rows = await spill.pick(10, []);
  expect(rows.map(({ key, event }) => [key, event])).toEqual([
    ['k', '"1"'],
    ['k', '"2"'],
    ['k', '"3"'],
    ['l', JSON.stringify({ key: 'l', emoji: '🔥' })],
  ]);
  expect(rows.map(({ claim }) => claim)).toEqual([null, null, CALL, null]);
  await expect
    .poll(async () => (await spill.pick(10, [])).every(({ waitedMs }) => waitedMs > 50))
    .toBe(true);
  expect(Math.max(...rows.map(({ waitedMs }) => waitedMs))).toBeLessThan(5000);
  expect(keysOf(await spill.pick(10, ['k']))).toEqual(['l']);
  expect(await spill.last('k')).toEqual({ id: rows[2]?.id, event: '"3"' });
  expect(await spill.last('nobody')).toBeNull();
});

it('takes the best rank first, accounts in turns, and then the oldest', async () => {
  await spill.insert([
    row('low', { rank: 5 }),
    ...[1, 2, 3, 4].map((n) => row(`flood${n}`)),
    row('mine1', { accountId: 'B' }),
    row('worse', { accountId: 'B', rank: 1 }),
    row('mine2', { accountId: 'B' }),
  ]);
  const order = keysOf(await spill.pick(100, []));
  expect(order).toEqual([
    ...['flood1', 'mine1', 'flood2', 'mine2', 'flood3', 'flood4'],
    ...['worse', 'low'],
  ]);
  expect(keysOf(await spill.pick(2, []))).toEqual(['flood1', 'mine1']);
});

it('gives accounts their turns also where one key is taken at a time', async () => {
  await spill.insert([
    ...[1, 2, 3, 4].map((n) => row(`flood${n}`)),
    ...[1, 2].map((n) => row(`mine${n}`, { accountId: 'B' })),
    ...[1, 2].map((n) => row(`worse${n}`, { accountId: 'C', rank: 1 })),
  ]);
  const order: string[] = [];
  let served: string[] = [];
  for (let n = 0; n < 8; n += 1) {
    const [taken] = await spill.pick(1, order, served);
    order.push(taken?.key ?? '');
    const account = taken?.accountId ?? '';
    served = [...served.filter((one) => one !== account), account];
  }
  expect(order).toEqual([
    ...['flood1', 'mine1', 'flood2', 'mine2', 'flood3', 'flood4'],
    ...['worse1', 'worse2'],
  ]);
});

it('is drained by turns of accounts where the engine takes one at a time', async () => {
  const account = (id: string) => {
    const sample = sampleAccount();
    return { ...sample, account: { ...sample.account, id, subdomain: id.toLowerCase() } };
  };
  const event = JSON.stringify(alertEvent());
  const ofAccount = (accountId: string, key: string) =>
    row(key, { accountId, serviceId: 'PSERVICE', event });
  await spill.insert([
    ...Array.from({ length: 8 }, (_, n) => ofAccount('A', `flood${n}`)),
    ...[0, 1].map((n) => ofAccount('B', `mine${n}`)),
  ]);
  const order: string[] = [];
  const engine = {
    ...{ places: 1, room: 1, limit: 1, state: 'closed' },
    sendFirst: ([{ index }]: Batch) => {
      order.push(index.account.id);
      return Promise.resolve('stored');
    },
  } as unknown as Engine;
  const directory = memoryDirectory(['A', 'B'].map(account));
  const drainer = new Drainer({ spill, engine, directory, logger: pino({ level: 'silent' }) });
  drainer.start();
  await expect.poll(() => order.length, { timeout: 10_000 }).toBe(10);
  await drainer.close();
  expect(order.join('')).toBe('ABABAAAAAA');
});

it('lets what is delayed wait, but not what waits with it', async () => {
  await spill.insert([row('hot', { delayMs: 60_000 })]);
  expect(await look('hot', 'cold')).toMatchObject({ backlog: false, pending: new Set(['hot']) });
  expect(await spill.pick(10, [])).toEqual([]);
  await spill.insert([row('hot')]);
  expect(await look()).toMatchObject({ backlog: true, pending: new Set() });
  expect(keysOf(await spill.pick(10, []))).toEqual(['hot', 'hot']);
});

it('has one drainer at a time, and another one when its lease is over', async () => {
  expect(await spill.lead('one', 60_000)).toBe(true);
  expect(await spill.lead('two', 60_000)).toBe(false);
  expect(await spill.lead('one', 30)).toBe(true);
  await expect.poll(() => spill.lead('two', 60_000)).toBe(true);
  expect(await spill.lead('one', 60_000)).toBe(false);
  await spill.insert([row('k')]);
  const [picked] = await spill.pick(1, []);
  const claims = [{ id: picked?.id ?? 0, claim: CALL }];
  expect(await spill.claim('one', claims)).toBe(false);
  expect(await spill.claim('two', claims)).toBe(true);
  expect((await spill.pick(1, []))[0]).toMatchObject({ claim: CALL });
  await spill.release('two');
  expect(await spill.lead('one', 60_000)).toBe(true);
});

it('counts what waits, and sets aside what nobody can use', async () => {
  await spill.insert([row('good', { event: '"12345678"' }), row('bad')]);
  const [, bad] = await spill.pick(10, []);
  await spill.park([bad?.id ?? 0], 'no such service');
  await spill.count();
  expect(await look('good', 'bad')).toMatchObject({
    ...{ rows: 1, parked: 1, pending: new Set(['good']) },
    ...{ bytes: 10 + (bad?.bytes ?? 0), oldestMs: expect.any(Number) as number },
  });
  expect(keysOf(await spill.pick(10, []))).toEqual(['good']);
  const rows = await spill.pick(10, []);
  await spill.remove(rows.map(({ id }) => id));
  expect((await look()).backlog).toBe(false);
});

it('bounds what it reads of one key', async () => {
  await spill.insert(Array.from({ length: 1200 }, () => row('many')));
  await spill.insert(['x', 'y', 'z'].map((text) => row('big', { event: text.repeat(600_000) })));
  const rows = await spill.pick(2, []);
  expect(rows.filter(({ key }) => key === 'many')).toHaveLength(1000);
  expect(rows.filter(({ key }) => key === 'big')).toHaveLength(2);
});

it('is not held up by a flood on one key, however long it is', { timeout: 60_000 }, async () => {
  await superuser.query(`insert into spill (account_id, service_id, key, rank, due_at, event, bytes)
    select 'A', 'S', 'hot', 0, now(), '{}', 2 from generate_series(1, 200000)`);
  await superuser.query('analyze spill');
  const others = Array.from({ length: 40 }, (_, n) => `after${n}`);
  await spill.insert(others.map((key) => row(key)));
  // Whoever takes longer than a statement may throws here.
  const keys = new Set(keysOf(await spill.pick(20, [])));
  expect([...keys]).toEqual(['hot', ...others.slice(0, 19)]);
  // While the flood is on its way the others are found without it.
  expect(new Set(keysOf(await spill.pick(20, ['hot'])))).toEqual(new Set(others.slice(0, 20)));
  expect(await look('hot', 'cold')).toMatchObject({ backlog: true, pending: new Set(['hot']) });
});

it('is open to its own role only', async () => {
  await spill.insert([row('secret')]);
  for (const url of [urls.appUrl, urls.directoryUrl]) {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await expect(client.query('select * from spill')).rejects.toThrow('permission denied');
    await client.end();
  }
  const intake = new pg.Client({ connectionString: urls.intakeUrl });
  await intake.connect();
  await expect(intake.query('select * from accounts')).rejects.toThrow('permission denied');
  await intake.end();
});

it('says soon that there is no server, or that it takes nothing', async () => {
  const nowhere = openSpill('postgres://a:b@127.0.0.1:1/x', { logger: pino({ level: 'silent' }) });
  await expect(nowhere.insert([row('k')])).rejects.toThrow('ECONNREFUSED');
  await nowhere.close();
  await superuser.query(
    `alter role pdlite_intake in database ${urls.name} set default_transaction_read_only = on`,
  );
  const frozen = openSpill(urls.intakeUrl, { logger: pino({ level: 'silent' }) });
  await expect(frozen.insert([row('k')])).rejects.toMatchObject({ code: '25006' });
  expect((await frozen.look([], 1000)).backlog).toBe(false);
  await frozen.close();
});
