// Property: the worker process starts without Temporal, works when it is there, drains on SIGTERM, and says in
// one sentence what is wrong with its configuration.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterEach, expect, test } from 'vitest';

import { inheritedEnvironment } from '../../platform/config.ts';
import { endProcess, freePort } from '../../platform/embedded/process.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { devServer, workflowBundle } from '../support/temporal.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Process {
  readonly child: ChildProcess;
  readonly url: string;
  output(): string;
}

async function startWorkerProcess(environment: Record<string, string>): Promise<Process> {
  const port = await freePort();
  const child = spawn(process.execPath, [path.join(root, 'worker/main.ts')], {
    env: { ...inheritedEnvironment(), WORKER_METRICS_PORT: String(port), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  closing.push(() => endProcess(child, 'SIGTERM', 15_000));
  return { child, url: `http://127.0.0.1:${port}`, output: () => output };
}

async function statusOf(url: string): Promise<number> {
  return await fetch(url).then(
    (response) => response.status,
    () => 0,
  );
}

async function stores(): Promise<Record<string, string>> {
  const database = await createTestDatabase();
  closing.push(database.drop);
  const folder = await mkdtemp(path.join(tmpdir(), 'pdlite-worker-'));
  closing.push(() => rm(folder, { recursive: true, force: true }));
  const urls = { DATABASE_URL: database.appUrl, DIRECTORY_DATABASE_URL: database.directoryUrl };
  return { ...urls, DATA_DIR: folder };
}

test('it becomes ready, serves its own and the SDK’s metrics, and ends cleanly', async () => {
  await workflowBundle();
  const server = await devServer();
  closing.push(server.close);
  const worker = await startWorkerProcess({
    ...(await stores()),
    TEMPORAL_ADDRESS: server.address,
    TEMPORAL_NAMESPACE: server.namespace,
  });
  await expect
    .poll(() => statusOf(`${worker.url}/health/ready`), { timeout: 20_000, interval: 50 })
    .toBe(200);
  const metrics = await (await fetch(`${worker.url}/metrics`)).text();
  expect(metrics).toContain('pdlite_directory_age_seconds');
  expect(metrics).toContain('temporal_worker_start');
  const exited = once(worker.child, 'exit');
  worker.child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
  expect(worker.output()).toContain('"msg":"stopped"');
});

test('without Temporal it is alive but not ready, and still ends on SIGTERM', async () => {
  const worker = await startWorkerProcess({
    ...(await stores()),
    TEMPORAL_ADDRESS: `127.0.0.1:${await freePort()}`,
  });
  await expect
    .poll(() => worker.output(), { timeout: 30_000, interval: 50 })
    .toContain('Temporal is not there yet');
  expect(await statusOf(`${worker.url}/health/live`)).toBe(200);
  expect(await statusOf(`${worker.url}/health/ready`)).toBe(503);
  const exited = once(worker.child, 'exit');
  worker.child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
});

test('a wrong variable is named, with exit code 2', async () => {
  const worker = await startWorkerProcess({ WORKER_MAX_CACHED_WORKFLOWS: 'many' });
  expect(await once(worker.child, 'exit')).toEqual([2, null]);
  expect(worker.output()).toContain('WORKER_MAX_CACHED_WORKFLOWS');
  expect(worker.output()).not.toContain('at ');
});
