// Property: the embedded PostgreSQL keeps its data over stops and crashes, and says in one sentence why it cannot start.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { startPostgres, type EmbeddedPostgres } from './postgres.ts';

let folder: string;
let running: EmbeddedPostgres | undefined;
beforeAll(async () => {
  // Private to this user, as a clone under a home folder is.
  folder = await mkdtemp(path.join(tmpdir(), 'pdlite-pg-'));
});
afterEach(() => running?.stop());
afterAll(() => rm(folder, { recursive: true, force: true }));

async function start(name: string, port = 0): Promise<EmbeddedPostgres> {
  running = await startPostgres({ dataDir: path.join(folder, name), port, log: () => undefined });
  return running;
}

async function query(server: EmbeddedPostgres, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: server.superuserUrl });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

test('data survives a stop, and a crash that leaves its lock file', async () => {
  const first = await start('data');
  await query(first, 'create table kept as select 1 as one');
  expect(await query(first, 'show fsync')).toEqual([{ fsync: 'on' }]);
  await first.stop();
  const second = await start('data');
  await query(second, 'insert into kept values (2)');
  process.kill(second.pid, 'SIGKILL');
  await second.stop();
  await writeFile(path.join(folder, 'data', 'postmaster.pid'), `${process.pid}\n`);
  const third = await start('data');
  expect(await query(third, 'select one from kept order by 1')).toEqual([{ one: 1 }, { one: 2 }]);
});

test('a second server on the same folder is refused', async () => {
  await start('twice');
  await expect(
    startPostgres({ dataDir: path.join(folder, 'twice'), port: 0, log: () => undefined }),
  ).rejects.toThrow('already runs on');
});

test('data of another major version is refused', async () => {
  await mkdir(path.join(folder, 'old'));
  await writeFile(path.join(folder, 'old', 'PG_VERSION'), '15\n');
  await expect(start('old')).rejects.toThrow('holds data of PostgreSQL 15');
});

test('a taken port is refused', async () => {
  const taken = createServer();
  const port = await new Promise<number>((resolve) => {
    taken.listen(0, '127.0.0.1', () => {
      const address = taken.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  await expect(start('port', port)).rejects.toThrow(`Port ${port} is taken`);
  taken.close();
});
