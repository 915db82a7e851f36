// Property: every test file gets a database and a namespace of its own, and they do not see each other.
import pg from 'pg';
import { afterAll, expect, test } from 'vitest';

import { SEARCH_ATTRIBUTES } from '../../temporal-config/names.ts';
import { setUpNamespace } from '../../temporal-config/set-up.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { devServer } from '../support/temporal.ts';

const closing: (() => Promise<void>)[] = [];
afterAll(() => Promise.all(closing.map((close) => close())));

async function rows(url: string, statement: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}

test('databases are migrated, separate, and closed to strangers', async () => {
  const [one, two] = await Promise.all([createTestDatabase(), createTestDatabase()]);
  closing.push(one.drop, two.drop);
  await rows(
    one.superuserUrl,
    `insert into accounts (id, subdomain, name, owner_user_id) values ('A','a','A','U')`,
  );
  expect(await rows(one.directoryUrl, 'select id from accounts')).toEqual([{ id: 'A' }]);
  expect(await rows(two.directoryUrl, 'select id from accounts')).toEqual([]);
  await expect(rows(one.appUrl, 'create table mine (id int)')).rejects.toThrow('permission denied');
});

test('namespaces are separate and know the search attributes, however often they are set up', async () => {
  const server = await devServer();
  closing.push(server.close);
  await setUpNamespace(server.connection, server.namespace);
  const { customAttributes } = await server.connection.operatorService.listSearchAttributes({
    namespace: server.namespace,
  });
  expect(Object.keys(customAttributes)).toEqual(
    expect.arrayContaining(Object.values(SEARCH_ATTRIBUTES)),
  );
  const query = `${SEARCH_ATTRIBUTES.assignees} = 'U1'`;
  expect((await server.client.workflow.count(query)).count).toBe(0);
});
