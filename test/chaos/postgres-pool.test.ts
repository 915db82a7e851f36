// A server that stops, hangs, is frozen, demoted or replaced costs a caller two seconds at most, is never taken for
// another, and is used again within five seconds of its return; no connection to a server of before stays.
import { setTimeout as sleep } from 'node:timers/promises';

import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { openDatabase, type Database } from '../../db/database.ts';
import { openDirectory, type LiveDirectory } from '../../db/directory.ts';
import { classifyDatabaseError, OutcomeUnknownError } from '../../db/errors.ts';
import { seed } from '../../db/seed.ts';
import { openSpill, type SpillStore } from '../../db/spill.ts';
import { promote } from '../../gamedays/postgres/standby.ts';
import { OwnPostgres } from '../support/own-postgres.ts';

const logger = pino({ level: 'silent' });
const DEMO = 'PDEMO000000000';
let postgres: OwnPostgres;
let database: Database;
let directory: LiveDirectory;
let spill: SpillStore;

beforeAll(async () => {
  postgres = await OwnPostgres.start();
  database = openDatabase(postgres.urls.appUrl, { poolMax: 4, logger });
  await seed(database);
  directory = await openDirectory(postgres.urls.directoryUrl, { logger });
  spill = openSpill(postgres.urls.intakeUrl, { logger });
}, 60_000);
afterAll(async () => {
  await Promise.all([database.close(), directory.close(), spill.close()]);
  await postgres.close();
});
afterEach(() => within(10_000, () => write('after')));

const read = (): Promise<unknown> => database.inAccount(DEMO, (trx) => trx('accounts').first());
const write = (name: string): Promise<unknown> =>
  database.inAccount(DEMO, (trx) => trx('services').update({ description: name }));

/** Milliseconds until `work` succeeds, however often it fails before. */
async function within(limitMs: number, work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    const error: unknown = await work().then(
      () => null,
      (e: unknown) => e,
    );
    const tookMs = performance.now() - startedAt;
    if (error === null) return tookMs;
    if (tookMs > limitMs) throw new Error(`not within ${limitMs} ms`, { cause: error });
    await sleep(20);
  }
}

/** How a failing call failed, and after how long. */
async function failure(work: () => Promise<unknown>): Promise<{ kind: string; ms: number }> {
  const startedAt = performance.now();
  const error: unknown = await work().then(
    () => null,
    (e: unknown) => e,
  );
  return { kind: classifyDatabaseError(error), ms: performance.now() - startedAt };
}

const becomes = (mode: string) => within(5000, () => holds(() => database.mode() === mode));
function holds(isTrue: () => boolean): Promise<void> {
  return isTrue() ? Promise.resolve() : Promise.reject(new Error('not yet'));
}

/** All connections in use at once, so that later calls find them in the pool. */
const fillPool = (): Promise<unknown> =>
  Promise.all([
    ...Array.from({ length: 4 }, () =>
      database.inAccount(DEMO, (trx) => trx.raw('select pg_sleep(0.05)')),
    ),
    ...Array.from({ length: 4 }, () => spill.look([], 2000)),
  ]);

describe('a server', () => {
  it('that is stopped is missed at once, costs nothing, and is used again when it is back', async () => {
    await fillPool();
    await postgres.primary.stop();
    expect(await becomes('unavailable')).toBeLessThan(2000);
    const { kind, ms } = await failure(read);
    expect(kind).toBe('unavailable');
    expect(ms).toBeLessThan(100);
    await postgres.primary.start();
    expect(await within(5000, () => write('back'))).toBeLessThan(5000);
    expect(await within(5000, () => directory.refresh())).toBeLessThan(5000);
  });

  it('that hangs costs two seconds once, whatever was under way', async () => {
    await fillPool();
    await postgres.primary.hang();
    const calls = await Promise.all([failure(read), failure(() => write('x')), failure(read)]);
    const later = await failure(read);
    await postgres.primary.resume();
    for (const { kind, ms } of calls) {
      expect(kind).toBe('unavailable');
      expect(ms).toBeLessThan(2500);
    }
    expect(later.ms).toBeLessThan(100);
    expect(await within(5000, () => write('resumed'))).toBeLessThan(5000);
  });

  it('that is frozen for writing still answers, and takes writes again at once', async () => {
    await fillPool();
    await postgres.setReadOnly(true);
    expect(await becomes('read_only')).toBeLessThan(2000);
    await read();
    const refused = await failure(() => write('frozen'));
    expect(refused.kind).toBe('read_only');
    expect(refused.ms).toBeLessThan(1000);
    // Nobody writes by a connection from before.
    await directory.refresh();
    await postgres.setReadOnly(false);
    expect(await within(5000, () => write('thawed'))).toBeLessThan(5000);
    expect(await becomes('writable')).toBeLessThan(2000);
  });

  it('without room for one more connection is not taken for a lost one', async () => {
    await fillPool();
    await postgres.ask('alter role pdlite_app connection limit 1');
    for (const until = Date.now() + 3000; Date.now() < until;) {
      await write('crowded');
      expect(database.mode()).toBe('writable');
      await sleep(100);
    }
    await postgres.ask('alter role pdlite_app connection limit -1');
  });

  it('that ends while a change commits leaves it unknown whether it was made', async () => {
    await postgres.ask(`create function slow() returns trigger language plpgsql as
      'begin perform pg_sleep(5); return null; end';
      create constraint trigger slow after update on teams deferrable initially deferred
      for each row execute function slow()`);
    const change = database.inAccount(DEMO, (trx) => trx('teams').update({ description: 'x' }));
    const outcome = change.catch((error: unknown) => error);
    await sleep(300);
    await postgres.primary.kill();
    expect(await outcome).toBeInstanceOf(OutcomeUnknownError);
    await postgres.primary.start();
    await within(10_000, () => postgres.ask('drop function slow cascade'));
  });
});

describe('an address', () => {
  it('that leads to a standby, and then back, is written to within five seconds', async () => {
    const standby = await postgres.addStandby();
    const old = postgres.primary;
    await fillPool();
    postgres.leadTo(standby, 'cut');
    expect(await becomes('read_only')).toBeLessThan(3000);
    await read();
    expect((await failure(() => write('standby'))).kind).toBe('read_only');
    await directory.refresh();
    await expect.poll(() => directory.ageMs(), { timeout: 5000 }).toBeGreaterThan(1500);
    postgres.leadTo(old, 'kept');
    expect(await within(5000, () => write('primary'))).toBeLessThan(5000);
    await expect.poll(() => directory.ageMs(), { timeout: 5000 }).toBeLessThan(1500);
    await expect.poll(() => sessions(standby), { timeout: 5000 }).toBe(0);
  });

  it('whose server was demoted keeps no connection to it', async () => {
    const standby = await postgres.addStandby();
    const old = postgres.primary;
    await fillPool();
    await postgres.setReadOnly(true);
    await standby.ask('select pg_promote()');
    postgres.leadTo(standby, 'kept');
    postgres.primary = standby;
    expect(await within(5000, () => write('promoted'))).toBeLessThan(5000);
    await expect.poll(() => sessions(old), { timeout: 5000 }).toBe(0);
    expect(await within(5000, () => directory.refresh())).toBeLessThan(5000);
  });

  it('that leads to a standby is followed although what was open still takes writes', async () => {
    const standby = await postgres.addStandby();
    const old = postgres.primary;
    await fillPool();
    postgres.leadTo(standby, 'kept');
    expect(await becomes('read_only')).toBeLessThan(5000);
    expect((await failure(() => write('standby'))).kind).toBe('read_only');
    await expect.poll(() => sessions(old), { timeout: 5000 }).toBe(0);
    postgres.leadTo(old, 'kept');
    expect(await within(5000, () => write('primary'))).toBeLessThan(5000);
    await expect.poll(() => sessions(standby), { timeout: 5000 }).toBe(0);
  });

  it('of a standby that took over is followed although nobody ended the server of before', async () => {
    const standby = await postgres.addStandby();
    const old = postgres.primary;
    await fillPool();
    await promote(standby);
    postgres.leadTo(standby, 'kept');
    postgres.primary = standby;
    await expect.poll(() => sessions(old), { timeout: 5000 }).toBe(0);
    await write('taken over');
    await expect.poll(description, { timeout: 5000 }).toBe('taken over');
  });

  it('whose server was killed leads to the standby: the first write within fifteen seconds', async () => {
    const standby = await postgres.addStandby();
    await write('before');
    await postgres.failOver(standby);
    expect(await within(15_000, () => write('failed over'))).toBeLessThan(15_000);
    await within(5000, () => directory.refresh());
    await expect.poll(description, { timeout: 5000 }).toBe('failed over');
  });
});

const description = () => directory.account(DEMO)?.services.get('PSERVICESHOP00')?.description;

/** Connections of the product. */
async function sessions(server: OwnPostgres['primary']): Promise<number> {
  const rows = await server.ask(
    `select count(*)::int as n from pg_stat_activity
      where usename in ('pdlite_app', 'pdlite_directory', 'pdlite_intake')`,
  );
  return Number(rows[0]?.['n']);
}
