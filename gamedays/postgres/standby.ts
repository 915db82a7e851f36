import { execFile } from 'node:child_process';
import { appendFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

import pg from 'pg';

import { PostgresServer, type PostgresServerOptions } from './postgres-server.ts';

const run = promisify(execFile);
const PRIMARY = 'primary_conninfo';

/**
 * Makes a standby of a running server: a copy of its folder, which follows it once it is started.
 * @param options of the standby; it has the server's password.
 * @returns it, not started yet.
 */
export async function makeStandby(
  upstream: PostgresServer,
  options: PostgresServerOptions,
): Promise<PostgresServer> {
  const inFolder = (name: string): string => path.join(options.dataDir, name);
  const label = await copyFolder(upstream, options.dataDir);
  await rm(inFolder('postmaster.pid'), { force: true });
  await writeFile(inFolder('backup_label'), label);
  await writeFile(inFolder('standby.signal'), '');
  await appendFile(inFolder('postgresql.auto.conf'), `${PRIMARY} = '${upstream.superuserUrl()}'\n`);
  // Files that this process made belong to whoever owns the cluster.
  const made = ['backup_label', 'standby.signal'].map(inFolder);
  await run('chown', [`--reference=${inFolder('PG_VERSION')}`, ...made]);
  return new PostgresServer(options);
}

/** A standby goes on with another server. */
export async function follow(standby: PostgresServer, upstream: PostgresServer): Promise<void> {
  await standby.set(PRIMARY, upstream.superuserUrl());
}

/** It takes writes when this resolves. */
export async function promote(standby: PostgresServer): Promise<void> {
  await standby.ask('select pg_promote()');
}

/** @returns the text of `backup_label`, without which the copy would begin at the wrong place. */
async function copyFolder(upstream: PostgresServer, folder: string): Promise<string> {
  const client = new pg.Client({ connectionString: upstream.superuserUrl() });
  await client.connect();
  try {
    await client.query(`select pg_backup_start('copy', true)`);
    await run('cp', ['-a', upstream.folder, folder]);
    const { rows } = await client.query<{ labelfile: string }>(
      'select * from pg_backup_stop(false)',
    );
    return rows[0]?.labelfile ?? '';
  } finally {
    await client.end();
  }
}
