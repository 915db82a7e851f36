import pg from 'pg';

import { connectionOptions } from './database.ts';

const LOCK_KEY = 7_343_548_302;

/** The connection strings of the product; each names its role, password and the common database. */
export interface RoleUrls {
  readonly ownerUrl: string;
  readonly appUrl: string;
  readonly directoryUrl: string;
  readonly intakeUrl: string;
}

interface Login {
  readonly role: string;
  readonly password: string;
}

/**
 * Creates the database and the roles that the connection strings name, where missing, and sets their
 * passwords. No role is a superuser or passes by row-level security; only the owner may create tables.
 * For embedded and test servers; docs/operations.md has the statements for production.
 * @throws Error when they name different databases.
 */
export async function ensureRoles(superuserUrl: string, urls: RoleUrls): Promise<void> {
  const database = databaseOf(urls);
  const owner = loginOf(urls.ownerUrl);
  await withClient(superuserUrl, async (client) => {
    // Two who change one role at once fail; the lock ends with the connection.
    await client.query('select pg_advisory_lock($1)', [LOCK_KEY]);
    const others = [urls.appUrl, urls.directoryUrl, urls.intakeUrl].map(loginOf);
    for (const login of [owner, ...others]) {
      await ensureRole(client, login);
    }
    const found = await client.query('select 1 from pg_database where datname = $1', [database]);
    if (found.rowCount === 0) {
      await client.query(
        `create database ${pg.escapeIdentifier(database)} owner ${pg.escapeIdentifier(owner.role)}
         encoding 'UTF8' template template0`,
      );
    }
    await client.query(`revoke all on database ${pg.escapeIdentifier(database)} from public`);
    for (const { role } of others) {
      await client.query(
        `grant connect on database ${pg.escapeIdentifier(database)} to ${pg.escapeIdentifier(role)}`,
      );
    }
  });
}

async function ensureRole(client: pg.Client, { role, password }: Login): Promise<void> {
  const found = await client.query('select 1 from pg_roles where rolname = $1', [role]);
  const verb = found.rowCount === 0 ? 'create' : 'alter';
  await client.query(
    `${verb} role ${pg.escapeIdentifier(role)} login nosuperuser nobypassrls nocreatedb nocreaterole
     password ${pg.escapeLiteral(password)}`,
  );
}

async function withClient(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client(connectionOptions(url, 0));
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

function loginOf(url: string): Login {
  const { username, password } = new URL(url);
  return { role: decodeURIComponent(username), password: decodeURIComponent(password) };
}

function databaseOf(urls: RoleUrls): string {
  const names = new Set(
    Object.values(urls).map((url: string) => decodeURIComponent(new URL(url).pathname.slice(1))),
  );
  const [name] = names;
  if (names.size !== 1 || !name) {
    throw new Error(
      'The connection strings of owner, app, directory and intake name different databases.',
    );
  }
  return name;
}
