import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { Client, Connection } from '@temporalio/client';

import { CEILING_QUEUE } from '../ceiling/activities.ts';
import type { BenchStack } from '../stack.ts';

const IN_FLIGHT = 64;
const LIMIT_MS = 300_000;

/**
 * The raw engine: `count` pairs of empty workflows with the engine operations of one paged incident, in a
 * worker process with the product's settings, started with 64 calls in flight as the api has; pairs a second.
 */
export async function engineCeiling(bench: BenchStack, count: number): Promise<number> {
  const address = bench.settings.config.TEMPORAL_ADDRESS;
  const connection = await Connection.connect({ address });
  const worker = fork(fileURLToPath(new URL('../ceiling/main.ts', import.meta.url)), [address]);
  try {
    await told(worker, 'ready', 1);
    const client = new Client({ connection });
    await run(client, worker, 20);
    const startedAt = performance.now();
    await run(client, worker, count);
    return Math.round((count / (performance.now() - startedAt)) * 10_000) / 10;
  } finally {
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    worker.disconnect();
    await ended;
    await connection.close();
  }
}

async function run(client: Client, worker: ChildProcess, count: number): Promise<void> {
  const all = told(worker, 'paged', count);
  await startAll(client, `${Date.now()}`, count);
  await all;
}

function told(worker: ChildProcess, word: string, times: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = times;
    const finish = (): void => {
      clearTimeout(limit);
      worker.off('message', hear);
      resolve();
    };
    const hear = (message: unknown): void => {
      if (message === word && (left -= 1) === 0) finish();
    };
    const limit = setTimeout(() => reject(new Error(`waited too long for ${word}`)), LIMIT_MS);
    worker.on('message', hear);
  });
}

async function startAll(client: Client, name: string, count: number): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const id = `${name}-${next}`;
      next += 1;
      await client.workflow.signalWithStart('first', {
        workflowId: `ceiling/first/${id}`,
        taskQueue: CEILING_QUEUE,
        signal: 'go',
        signalArgs: [id],
        args: [],
      });
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
}
