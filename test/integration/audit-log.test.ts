/**
 * The audit log takes records and gives them, and nothing else: no right of the application changes or removes one,
 * nobody reads another account's, writers side by side leave one line without gap or fork, and whatever changes
 * configuration without saying who did it leaves a record that says so.
 */
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { insertAuditRecords, type NewAuditRecord } from '../../db/audit-records.ts';
import { verifyDatabase } from '../../db/audit-verify.ts';
import { openDatabase, type Database } from '../../db/database.ts';
import type { AuditRecord } from '../../domain/audit/record.ts';
import { newId } from '../../platform/ids.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

/** Writers side by side, and records of each; more by AUDIT_WRITERS and AUDIT_WRITES. */
const WRITERS = Number(process.env['AUDIT_WRITERS'] ?? 20);
const WRITES = Number(process.env['AUDIT_WRITES'] ?? 200);

let urls: TestDatabase;
let database: Database;
let account = '';
beforeAll(async () => {
  urls = await createTestDatabase();
  database = openDatabase(urls.appUrl, { poolMax: WRITERS, logger: pino({ level: 'silent' }) });
});
afterAll(async () => {
  await database.close();
  await urls.drop();
});
beforeEach(() => {
  account = newId();
});

const record = (more: Partial<NewAuditRecord> = {}): NewAuditRecord => ({
  ...{ id: newId('A'), actor_type: 'user', actor_id: 'PUSER', action: 'update' },
  ...{ operation: 'updateTeam', outcome: 'success', source: 'public', ...more },
});
const write = (more: Partial<NewAuditRecord> = {}) =>
  database.inAccount(account, (trx) => insertAuditRecords(trx, account, [record(more)]));
const records = () =>
  database.inAccount(account, (trx) => trx<AuditRecord>('audit_records').orderBy('seq'));
const makeAccount = (id = account) =>
  database.inAccount(id, (trx) =>
    trx('accounts').insert({ id, subdomain: id.toLowerCase(), name: id, owner_user_id: 'U' }),
  );

async function as<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
const refusalOf = (client: pg.Client, sql: string) =>
  client.query(sql).then(
    () => 'done',
    (error: unknown) => (error instanceof Error ? error.message : ''),
  );
const verdict = async () => {
  const given = { heads: null, keys: new Map(), account };
  const { accounts } = await as(urls.directoryUrl, (client) => verifyDatabase(client, given));
  return accounts[0];
};

describe('rights', () => {
  const inAccount = `select set_config('app.account_id', '%', false)`;

  test('of the application: to insert and read its own account, nothing else', async () => {
    await write();
    await as(urls.appUrl, async (client) => {
      await client.query(inAccount.replace('%', account));
      for (const sql of [
        `update audit_records set reason = 'x'`,
        'delete from audit_records',
        'truncate audit_records',
        'truncate accounts, audit_records cascade',
      ]) {
        expect(await refusalOf(client, sql), sql).toMatch(/permission denied/);
      }
      for (const sql of [
        'alter table audit_records disable trigger all',
        'alter table audit_records disable row level security',
        'drop table audit_records',
        'drop trigger audit_records_append on audit_records',
        'create or replace function audit_keep() returns trigger language plpgsql as $$ begin return new; end $$',
      ]) {
        expect(await refusalOf(client, sql), sql).toMatch(/must be owner|permission denied/);
      }
      const replica = `set session_replication_role = 'replica'`;
      expect(await refusalOf(client, replica)).toMatch(/permission denied/);
      expect(await refusalOf(client, 'delete from audit_keys')).toMatch(/permission denied/);
    });
  });

  test('of the owner and of a superuser whose triggers rest: refused by the triggers', async () => {
    await write();
    for (const url of [urls.ownerUrl, urls.superuserUrl]) {
      await as(url, async (client) => {
        await client.query(inAccount.replace('%', account));
        if (url === urls.superuserUrl)
          await client.query(`set session_replication_role = 'replica'`);
        for (const sql of [
          `update audit_records set reason = 'x'`,
          'delete from audit_records',
          'truncate audit_records',
        ]) {
          expect(await refusalOf(client, sql), sql).toMatch(/never changed or removed/);
        }
      });
    }
  });

  test('of another account: it sees nothing and writes nothing here', async () => {
    await write();
    const other = newId();
    const seen = await database.inAccount(other, (trx) =>
      trx('audit_records').where({ account_id: account }),
    );
    expect(seen).toEqual([]);
    const forged = database.inAccount(other, (trx) => insertAuditRecords(trx, account, [record()]));
    await expect(forged).rejects.toThrow(/row-level security/);
    expect(await refusalOf(await connected(urls.appUrl), 'select 1 from audit_records')).toMatch(
      /app.account_id is not set/,
    );
    expect(await records()).toHaveLength(1);
  });

  test('of whoever inserts: place, time and hashes are not theirs to give', async () => {
    await write();
    const forged = {
      ...{ ...record(), account_id: account, seq: 77, version: 9 },
      ...{ recorded_at: '2020-01-01', hash: Buffer.alloc(32), prev_hash: Buffer.alloc(32) },
    };
    await database.inAccount(account, (trx) => trx('audit_records').insert(forged));
    const [first, second] = await records();
    expect(second).toMatchObject({ seq: 2, version: 1, prev_hash: first?.hash });
    expect(second?.recorded_at).not.toMatch(/^2020/);
    expect(await verdict()).toMatchObject({ records: 2, findings: [] });
  });
});

const open: pg.Client[] = [];
async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  open.push(client);
  return client;
}
afterAll(() => Promise.all(open.map((client) => client.end())));

test(
  `${WRITERS} writers of ${WRITES} records each leave one line`,
  { timeout: 600_000 },
  async () => {
    const others = [newId(), newId()];
    await Promise.all(
      Array.from({ length: WRITERS }, async (_, writer) => {
        for (let n = 0; n < WRITES; n += 1) {
          await write({ producer: `W${writer}`, producer_seq: n + 1 });
          // Another account's line runs beside it.
          const other = others[writer % 2] ?? '';
          if (n % 50 === 0) {
            await database.inAccount(other, (trx) => insertAuditRecords(trx, other, [record()]));
          }
        }
      }),
    );
    const found = await records();
    expect(found.map(({ seq }) => seq)).toEqual(found.map((_, index) => index + 1));
    expect(await verdict()).toMatchObject({ records: WRITERS * WRITES, findings: [] });
  },
);

test('the same record twice is written once, and what is rolled back leaves no gap', async () => {
  const same = record();
  await database.inAccount(account, (trx) => insertAuditRecords(trx, account, [same]));
  await database.inAccount(account, (trx) => insertAuditRecords(trx, account, [same, record()]));
  const failed = database.inAccount(account, async (trx) => {
    await insertAuditRecords(trx, account, [record()]);
    throw new Error('rolled back');
  });
  await expect(failed).rejects.toThrow('rolled back');
  await write();
  expect((await records()).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  expect(await verdict()).toMatchObject({ records: 3, findings: [] });
});

describe('a change that nobody says they made', () => {
  test('leaves one record a transaction, which names the role of the database', async () => {
    await makeAccount();
    await database.inAccount(account, async (trx) => {
      await trx('users').insert({
        id: 'U',
        account_id: account,
        name: 'A',
        email: 'a@example.com',
      });
      await trx('users').update({ name: 'B' });
      await trx('users').update({ name: 'B' });
    });
    const [, second] = await records();
    expect(second).toMatchObject({
      ...{ seq: 2, actor_id: 'database/pdlite_app', operation: 'unattributed', object_id: 'U' },
    });
    const changes = JSON.parse(second?.changes ?? '') as { fields: string[]; before: string }[];
    expect(changes.map(({ fields }) => fields)).toEqual([[], ['name']]);
    expect(changes[1]?.before).toBe(changes[0] && Reflect.get(changes[0], 'after'));
    expect(await records()).toHaveLength(2);
  });

  test('by a superuser too, and for a whole account that is deleted', async () => {
    await makeAccount();
    await as(urls.superuserUrl, async (client) => {
      await client.query(`update accounts set name = 'Sold' where id = $1`, [account]);
      await client.query('delete from accounts where id = $1', [account]);
    });
    const found = await records();
    expect(found.map(({ action }) => action)).toEqual(['create', 'update', 'delete']);
    expect(found[2]).toMatchObject({ actor_id: 'database/postgres', after_digest: null });
    expect(await verdict()).toMatchObject({ records: 3, findings: [] });
  });

  test('of very many rows is bounded, and every row still counts', async () => {
    await makeAccount();
    const teams = (last: string) =>
      database.inAccount(account, (trx) =>
        trx('teams').insert(
          Array.from({ length: 500 }, (_, n) => ({
            ...{ id: `${last}${n}`, account_id: account },
            name: `${last} ${n === 499 ? last : n}`,
          })),
        ),
      );
    await teams('X');
    const [, found] = await records();
    const changes = JSON.parse(found?.changes ?? '') as Record<string, unknown>[];
    expect(changes).toHaveLength(101);
    expect(changes[100]).toMatchObject({ more: 400 });
    expect(found?.changes?.length).toBeLessThan(30_000);
  });
});

test('a record of a change says which rows changed, by digests with the account’s own key', async () => {
  await makeAccount();
  const team = { id: 'T', account_id: account, name: 'Team' };
  await database.inAccount(account, async (trx) => {
    await trx('teams').insert(team);
    await insertAuditRecords(trx, account, [record({ operation: 'createTeam' })]);
  });
  const [, created] = await records();
  expect(created).toMatchObject({ object_type: 'teams', object_id: 'T', root_id: 'T' });
  expect(created?.after_digest).toMatch(/^[0-9a-f]{64}$/);
  expect(created?.changes).not.toContain('Team');
  const other = newId();
  await makeAccount(other);
  await database.inAccount(other, async (trx) => {
    await trx('teams').insert({ ...team, account_id: other });
    await insertAuditRecords(trx, other, [record()]);
  });
  const [, elsewhere] = await database.inAccount(other, (trx) =>
    trx<AuditRecord>('audit_records').orderBy('seq'),
  );
  expect(elsewhere?.after_digest).not.toBe(created?.after_digest);
});

test('without the account’s key its digests mean nothing, and its chain stays valid', async () => {
  await makeAccount();
  await write();
  await as(urls.ownerUrl, async (client) => {
    await client.query(`select set_config('app.account_id', $1, false)`, [account]);
    const { rowCount } = await client.query('delete from audit_keys');
    expect(rowCount).toBe(1);
  });
  await database.inAccount(account, (trx) => trx('accounts').update({ name: 'Erased' }));
  expect(await verdict()).toMatchObject({ records: 3, findings: [] });
});

test('text that PostgreSQL cannot store is stored, and none makes a record large', async () => {
  await write({ reason: `\0 \ud800 ${'x'.repeat(100_000)}`, request_id: 'r'.repeat(5000) });
  const [found] = await records();
  expect(found?.reason?.length).toBe(500);
  expect(found?.request_id?.length).toBe(500);
  expect(await verdict()).toMatchObject({ records: 1, findings: [] });
});
