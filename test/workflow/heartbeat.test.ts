// The heartbeat as a workflow, on the time-skipping server: it raises one event when beats stay away, one when they
// come again, lives through very many beats, and ends when its integration is gone.
import { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { HEARTBEAT, TASK_QUEUES } from '../../domain/messages.ts';
import {
  bundle,
  defineAttributes,
  newWorld,
  quietRuntime,
  withWorkers,
} from '../support/incident-worker.ts';
import { testServerPath } from '../support/test-server.ts';

let env: TestWorkflowEnvironment;
let code: WorkflowBundleWithSourceMap;
beforeAll(async () => {
  quietRuntime();
  const server = { executable: { type: 'existing-path' as const, path: await testServerPath() } };
  env = await TestWorkflowEnvironment.createTimeSkipping({ server });
  await defineAttributes(env);
  code = await bundle();
});
afterAll(() => env.teardown());

const at = async (): Promise<string> => new Date(await env.currentTimeMs()).toISOString();

async function start(integrationId: string, timeoutSec = 60) {
  const lastBeatAt = await at();
  return env.client.workflow.start(HEARTBEAT.workflow, {
    workflowId: `heartbeat/ACC/${integrationId}`,
    taskQueue: TASK_QUEUES.workflows,
    args: [{ accountId: 'ACC', integrationId, lastBeatAt, timeoutSec, missedAt: null }],
  });
}

test('silence raises a trigger, the next beat a resolve', async () => {
  const world = newWorld();
  await withWorkers(env, code, world, async () => {
    const handle = await start('INT');
    await env.sleep('50 s');
    await handle.signal(HEARTBEAT.signals.beat, { at: await at(), timeoutSec: 60 });
    await env.sleep('55 s');
    expect(world.raised).toEqual([]);
    await env.sleep('1 hour');
    expect(world.raised.map(({ action }) => action)).toEqual(['trigger']);
    await handle.signal(HEARTBEAT.signals.beat, { at: await at(), timeoutSec: 60 });
    await env.sleep('10 s');
    expect(world.raised.map(({ action }) => action)).toEqual(['trigger', 'resolve']);
    await handle.terminate();
  });
});

test('it ends when its integration is gone', async () => {
  const world = newWorld();
  await withWorkers(env, code, world, async () => {
    await (await start('GONE')).result();
    expect(world.raised).toHaveLength(1);
  });
});

test('many beats begin a fresh history, which goes on', async () => {
  const world = newWorld();
  await withWorkers(env, code, world, async () => {
    const handle = await start('BUSY');
    for (let n = 0; n < 2100; n += 1) {
      await handle.signal(HEARTBEAT.signals.beat, { at: await at(), timeoutSec: 60 });
    }
    await env.sleep('2 min');
    expect(world.raised.map(({ action }) => action)).toEqual(['trigger']);
    const { historyLength } = await handle.describe();
    expect(historyLength).toBeLessThan(2000);
    await handle.terminate();
  });
});
