// Property: the Temporal server is found in the documented order, keeps workflows over a kill, and says in one
// sentence why it cannot start.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { Client, Connection } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

import { findTemporalCli } from './find-temporal.ts';
import { startTemporal, type EmbeddedTemporal } from './temporal.ts';

const log = (): void => undefined;
let folder: string;
let running: EmbeddedTemporal | undefined;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pdlite-temporal-'));
});
afterEach(() => running?.stop());
afterAll(() => rm(folder, { recursive: true, force: true }));

async function start(): Promise<EmbeddedTemporal> {
  running = await startTemporal({
    executable: await findTemporalCli({ log: console.log }),
    port: 0,
    uiPort: 0,
    dbFile: path.join(folder, 'temporal.db'),
    log,
  });
  return running;
}

async function withClient<T>(address: string, work: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await work(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

test('an executable that is named comes first, and must exist', async () => {
  const executable = path.join(folder, 'my-temporal');
  await expect(findTemporalCli({ log, executable })).rejects.toThrow('does not exist');
  await writeFile(executable, '#!/bin/sh\n');
  await chmod(executable, 0o755);
  expect(await findTemporalCli({ log, executable })).toBe(executable);
});

test('a workflow survives a kill of the server, and the UI answers', async () => {
  const first = await start();
  await withClient(first.address, (client) =>
    client.workflow.start('waiting', { workflowId: 'w', taskQueue: 'q' }),
  );
  expect((await fetch(first.uiUrl ?? '')).status).toBe(200);
  process.kill(first.pid, 'SIGKILL');
  await first.stop();
  const second = await start();
  const found = await withClient(second.address, (client) =>
    client.workflow.getHandle('w').describe(),
  );
  expect(found.status.name).toBe('RUNNING');
});

test('a server that ends at once is explained', async () => {
  const executable = path.join(folder, 'broken');
  await writeFile(executable, '#!/bin/sh\necho no such luck >&2\nexit 3\n');
  await chmod(executable, 0o755);
  await expect(
    startTemporal({ executable, port: 0, uiPort: null, dbFile: null, log }),
  ).rejects.toThrow('no such luck');
});
