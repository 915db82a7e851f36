// The schema is made once however many make it; a tenant sees its own rows only, and without a tenant there
// is an error; whatever cannot be reached is said within the promised time.
import { createServer, type AddressInfo } from 'node:net';

import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openDatabase, type Database } from '../../db/database.ts';
import { classifyDatabaseError } from '../../db/errors.ts';
import { migrate } from '../../db/migrate.ts';
import { ensureRoles } from '../../db/roles.ts';
import { createAccount } from '../../db/new-account.ts';
import { OPERATIONS_ACCOUNT } from '../../db/seed-accounts.ts';
import { seedCanary } from '../../db/seed-canary.ts';
import { seed } from '../../db/seed.ts';
import { CANARY_PHONE, DEMO_PEOPLE } from '../../platform/embedded/settings.ts';
import { hashKey } from '../../platform/ids.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { roleUrls } from '../support/role-urls.ts';

const silent = pino({ level: 'silent' });
let urls: TestDatabase;
let database: Database;

beforeAll(async () => {
  urls = await createTestDatabase();
  database = openDatabase(urls.appUrl, { poolMax: 4, logger: silent });
}, 60_000);
afterAll(async () => {
  await database.close();
  await urls.drop();
});

async function ask(url: string, sql: string, values: unknown[] = []): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql, values)).rows;
  } finally {
    await client.end();
  }
}

const makeAccount = (id: string) =>
  database.inAccount(id, async (trx) => {
    await trx('accounts').insert({
      id,
      subdomain: id.toLowerCase(),
      name: id,
      owner_user_id: 'U',
    });
    await trx('users').insert({ id: 'U', account_id: id, name: id, email: 'u@example.com' });
  });

describe('migrations', () => {
  it('are run once by five at once, and not again', async () => {
    const name = `${urls.name}_fresh`;
    const fresh = roleUrls(urls.superuserUrl, name);
    await Promise.all([1, 2, 3].map(() => ensureRoles(urls.superuserUrl, fresh)));
    const runs = await Promise.all(
      [1, 2, 3, 4, 5].map(() => migrate(fresh.ownerUrl, { logger: silent })),
    );
    expect(runs.filter((names) => names.length > 0)).toHaveLength(1);
    expect(await migrate(fresh.ownerUrl, { logger: silent })).toEqual([]);
    await ask(urls.superuserUrl, `drop database ${name} with (force)`);
  }, 30_000);

  it('are not stopped by a lock that a killed runner left', async () => {
    await ask(urls.ownerUrl, 'update schema_migrations_lock set is_locked = 1');
    expect(await migrate(urls.ownerUrl, { logger: silent })).toEqual([]);
  });

  it('are refused on a database that a newer version has migrated', async () => {
    const future = { name: '9999_future.mjs' };
    await ask(
      urls.ownerUrl,
      'insert into schema_migrations (name, batch, migration_time) values ($1, 9, now())',
      [future.name],
    );
    await expect(migrate(urls.ownerUrl, { logger: silent })).rejects.toThrow(
      'a newer PD Lite has migrated this database (9999_future.mjs)',
    );
    await ask(urls.ownerUrl, 'delete from schema_migrations where name = $1', [future.name]);
  });

  it('force row-level security on every table that has tenants', async () => {
    const open = await ask(
      urls.ownerUrl,
      `select relname from pg_class
       where relkind = 'r' and relnamespace = 'public'::regnamespace
         and relname not like 'schema_migrations%' and not (relrowsecurity and relforcerowsecurity)`,
    );
    expect(open).toEqual([]);
  });
});

describe('tenants', () => {
  beforeAll(async () => {
    await makeAccount('A');
    await makeAccount('B');
  });

  it('is an error without a tenant, before and after the connection had one', async () => {
    for (const url of [urls.appUrl, urls.ownerUrl]) {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await expect(client.query('select * from users')).rejects.toThrow(
        'app.account_id is not set',
      );
      await client.query('begin');
      await client.query(`select set_config('app.account_id', 'A', true)`);
      expect((await client.query('select * from users')).rowCount).toBe(1);
      await client.query('commit');
      await expect(client.query('select * from users')).rejects.toThrow(
        'app.account_id is not set',
      );
      await client.end();
    }
  });

  it('neither reads, changes, removes nor adds rows of another', async () => {
    await database.inAccount('A', async (trx) => {
      expect(await trx('users').where({ account_id: 'B' })).toEqual([]);
      expect(await trx('users').where({ account_id: 'B' }).update({ name: 'stolen' })).toBe(0);
      expect(await trx('users').where({ account_id: 'B' }).del()).toBe(0);
    });
    await expect(
      database.inAccount('A', (trx) =>
        trx('users').insert({ id: 'X', account_id: 'B', name: 'x', email: 'x@example.com' }),
      ),
    ).rejects.toThrow('row-level security');
  });

  it('never cross on the pool: two tenants, 1,000 interleavings each', async () => {
    const one = async (id: string): Promise<string[]> =>
      database.inAccount(id, (trx) => trx('users').pluck<string[]>('account_id'));
    for (let round = 0; round < 50; round += 1) {
      const ids = Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? 'A' : 'B'));
      const seen = await Promise.all(ids.map(one));
      expect(seen).toEqual(ids.map((id) => [id]));
    }
  }, 60_000);

  it('lets the directory role read all accounts, and write nothing', async () => {
    const rows = await ask(urls.directoryUrl, 'select id from accounts order by id');
    expect(rows).toEqual([{ id: 'A' }, { id: 'B' }]);
    await expect(ask(urls.directoryUrl, 'delete from accounts')).rejects.toThrow(
      'permission denied',
    );
    await expect(ask(urls.directoryUrl, 'select * from incidents')).rejects.toThrow(
      'permission denied',
    );
  });

  it('gives no role of the product power over row-level security', async () => {
    const roles = await ask(
      urls.superuserUrl,
      `select rolname from pg_roles where rolname like 'pdlite%' and (rolsuper or rolbypassrls)`,
    );
    expect(roles).toEqual([]);
    await expect(ask(urls.appUrl, 'create table x (id text)')).rejects.toThrow('permission denied');
  });
});

describe('values and failures', () => {
  it('gives instants as ISO strings and bigints as numbers', async () => {
    const [row] = await database.inAccount('A', async (trx) => {
      const result = await trx.raw<{ rows: unknown[] }>(
        `select '2026-11-23 10:00:00.5+05:30'::timestamptz as at, 12345678901::bigint as number`,
      );
      return result.rows;
    });
    expect(row).toEqual({ at: '2026-11-23T04:30:00.500Z', number: 12345678901 });
  });

  it('keeps nothing of work that throws', async () => {
    await expect(
      database.inAccount('A', async (trx) => {
        await trx('users').update({ name: 'half' });
        throw new Error('stop');
      }),
    ).rejects.toThrow('stop');
    expect(await database.inAccount('A', (trx) => trx('users').pluck('name'))).toEqual(['A']);
  });

  it('says that it is unavailable: refused at once, silent within 4 s', async () => {
    const mute = createServer(() => undefined);
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const { port } = mute.address() as AddressInfo;
    for (const url of [`postgres://u:p@127.0.0.1:${port}/x`, 'postgres://u:p@127.0.0.1:1/x']) {
      const gone = openDatabase(url, { poolMax: 1, logger: silent });
      const startedAt = performance.now();
      const failure = await gone.inAccount('A', () => Promise.resolve()).catch((e: unknown) => e);
      expect(classifyDatabaseError(failure)).toBe('unavailable');
      expect(performance.now() - startedAt).toBeLessThan(4000);
      await gone.close();
    }
    mute.close();
  }, 15_000);

  it('says that it is read-only', async () => {
    const failure: unknown = await database
      .inAccount('A', async (trx) => {
        await trx.raw('set transaction read only');
        await trx('users').update({ name: 'x' });
      })
      .catch((error: unknown) => error);
    expect(classifyDatabaseError(failure)).toBe('read_only');
  });
});

it('seeds two accounts once, and leaves what people made of them', async () => {
  const made = await seed(database);
  expect(made.map(({ subdomain }) => subdomain)).toEqual(['demo', 'pdlite-operations']);
  await database.inAccount('PDEMO000000000', (trx) => trx('accounts').update({ name: 'Ours' }));
  expect(await seed(database)).toEqual([]);
  const names = await database.inAccount('PDEMO000000000', (trx) => trx('accounts').pluck('name'));
  expect(names).toEqual(['Ours']);
});

it('makes an account with an owner whose key acts for them', async () => {
  const wanted = { name: 'Example & Sons', ownerName: 'Ada', ownerEmail: 'Ada@Example.org' };
  const { accountId, apiKey } = await createAccount(database, wanted);
  const rows = await database.inAccount(accountId, (trx) =>
    trx('api_keys as k')
      .join('users as u', 'u.id', 'k.user_id')
      .where('k.key_hash', hashKey(apiKey))
      .select('u.email', 'k.role'),
  );
  expect(rows).toEqual([{ email: 'ada@example.org', role: 'owner' }]);
  await expect(createAccount(database, wanted)).rejects.toThrow(/exists already/);
  await expect(createAccount(database, { ...wanted, ownerEmail: '' })).rejects.toThrow(/e-mail/);
});

it('groups the simulated phones by the people of the demo account, and the canary’s', async () => {
  await seedCanary(database, { key: 'c'.repeat(32), url: 'http://127.0.0.1:1/canary' });
  expect(await addresses('PDEMO000000000')).toEqual(shown(DEMO_PEOPLE));
  const operations = [...(await addresses(OPERATIONS_ACCOUNT.id))];
  expect(operations).toEqual(expect.arrayContaining([...shown([CANARY_PHONE])]));
});

/** `{name} {address}` of every contact method of an account that a simulated phone can have. */
async function addresses(account: string): Promise<Set<string>> {
  const rows: { name: string; address: string }[] = await database.inAccount(account, (trx) =>
    trx('contact_methods as c')
      .join('users as u', 'u.id', 'c.user_id')
      .select('u.name', 'c.address'),
  );
  return new Set(rows.map(({ name, address }) => `${name} ${address}`));
}

function shown(people: readonly { name: string; addresses: readonly string[] }[]): Set<string> {
  return new Set(people.flatMap((one) => one.addresses.map((at) => `${one.name} ${at}`)));
}
