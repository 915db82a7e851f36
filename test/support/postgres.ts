import { randomBytes } from 'node:crypto';

import pg from 'pg';
import { inject } from 'vitest';

import type { RoleUrls } from '../../db/roles.ts';
import { roleUrls } from './role-urls.ts';

export interface TestDatabase extends RoleUrls {
  readonly name: string;
  /** As superuser, in this database. */
  readonly superuserUrl: string;
  /** Ends its connections and removes it. */
  readonly drop: () => Promise<void>;
}

/** A migrated, empty database of its own, copied from the template in some 50 ms. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const server = inject('postgresUrl');
  const name = `test_${randomBytes(6).toString('hex')}`;
  await asSuperuser(server, [
    // Two files may copy the template at once; PostgreSQL refuses only connections to it.
    `create database ${name} template pdlite_template owner pdlite_owner`,
    `revoke all on database ${name} from public`,
    `grant connect on database ${name} to pdlite_app, pdlite_directory, pdlite_intake`,
  ]);
  const superuser = new URL(server);
  superuser.pathname = `/${name}`;
  return {
    ...roleUrls(server, name),
    name,
    superuserUrl: superuser.href,
    drop: () => asSuperuser(server, [`drop database if exists ${name} with (force)`]),
  };
}

async function asSuperuser(url: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
