import { fileURLToPath } from 'node:url';

import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';

import { CEILING_QUEUE, createCeilingActivities } from '../ceiling/activities.ts';
import type { BenchStack } from '../stack.ts';

/** The raw engine: `count` pairs of empty workflows with the product's engine operations; pairs a second. */
export async function engineCeiling(bench: BenchStack, count: number): Promise<number> {
  const address = bench.settings.config.TEMPORAL_ADDRESS;
  const connection = await Connection.connect({ address });
  const native = await NativeConnection.connect({ address });
  const client = new Client({ connection });
  let paged = 0;
  let done: () => void = () => undefined;
  const all = new Promise<void>((resolve) => {
    done = resolve;
  });
  const worker = await Worker.create({
    connection: native,
    taskQueue: CEILING_QUEUE,
    workflowsPath: fileURLToPath(new URL('../ceiling/workflows.ts', import.meta.url)),
    activities: createCeilingActivities(client, () => {
      paged += 1;
      if (paged === count) done();
    }),
    stickyQueueScheduleToStartTimeout: '1 s',
  });
  const rate = await worker.runUntil(async () => {
    await startAll(client, `warm-${Date.now()}`, 20);
    const startedAt = performance.now();
    paged = 0;
    await startAll(client, `run-${Date.now()}`, count);
    await all;
    return (count / (performance.now() - startedAt)) * 1000;
  });
  await connection.close();
  await native.close();
  return Math.round(rate * 10) / 10;
}

/** 64 calls in flight, as the api has. */
async function startAll(client: Client, run: string, count: number): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const n = next;
      next += 1;
      const id = `${run}-${n}`;
      await client.workflow.signalWithStart('first', {
        workflowId: `ceiling/first/${id}`,
        taskQueue: CEILING_QUEUE,
        signal: 'go',
        signalArgs: [id],
        args: [],
      });
    }
  };
  await Promise.all(Array.from({ length: 64 }, lane));
}
