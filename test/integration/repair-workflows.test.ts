// A workflow whose history no worker can go on with is reset, and what it was told is not lost.
import path from 'node:path';

import { ApplicationFailure } from '@temporalio/common';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';

import type { BrokenRun } from '../../activities/contract.ts';
import { createRepairActivities } from '../../activities/repair.ts';
import { RESPONDER } from '../../domain/messages.ts';
import { workflowRepairs } from '../../platform/metrics.ts';
import { responderWorkflowId, TASK_QUEUES } from '../../temporal-config/names.ts';
import { repairWorkflows } from '../../worker/repair-workflows.ts';
import { ResponderActivities } from '../support/responder-worker.ts';
import { aPage } from '../support/responder-world.ts';
import { devServer, whileWorking, workflowBundle, type DevServer } from '../support/temporal.ts';

let server: DevServer;
beforeAll(async () => {
  server = await devServer();
});
afterAll(() => server.close());

const page = (number: number) =>
  server.client.workflow.signalWithStart(RESPONDER.workflow, {
    workflowId: responderWorkflowId('A', 'U1'),
    taskQueue: TASK_QUEUES.workflows,
    args: [{ accountId: 'A', userId: 'U1' }],
    signal: RESPONDER.signals.page,
    signalArgs: [aPage(number, Date.now())],
  });

async function runsOf(workflowId: string): Promise<readonly string[]> {
  const runs: string[] = [];
  const list = server.client.workflow.list({ query: `WorkflowId = '${workflowId}'` });
  for await (const { runId } of list) runs.push(runId);
  return runs.toSorted();
}

test('a person whose workflow cannot go on gets the pages of before and of meanwhile', async () => {
  const world = new ResponderActivities();
  const { nativeConnection: connection, namespace } = server;
  const logger = pino({ level: 'silent' });
  const real = createRepairActivities({ client: server.client, logger });
  let resets = 0;
  const repairs = {
    // A repair that has failed for good is taken up by a later look.
    resetWorkflow: (run: BrokenRun) => {
      resets += 1;
      if (resets === 1) return Promise.reject(ApplicationFailure.nonRetryable('away for long'));
      return real.resetWorkflow(run);
    },
  };
  const common = { connection, namespace, activities: { ...world.activities, ...repairs } };
  const other = await bundleWorkflowCode({
    workflowsPath: path.resolve('test/support/other-responder.ts'),
    logger: new DefaultLogger('ERROR'),
  });
  const queue = { ...common, taskQueue: TASK_QUEUES.workflows };
  const started = await page(1);
  await whileWorking([{ ...queue, workflowBundle: other }], async () => {
    await expect
      .poll(async () => (await started.fetchHistory()).events?.length, { timeout: 10_000 })
      .toBe(6);
  });
  await whileWorking(
    [
      { ...queue, workflowBundle: await workflowBundle() },
      { ...common, taskQueue: TASK_QUEUES.delivery },
      { ...common, taskQueue: TASK_QUEUES.projection },
    ],
    async () => {
      await page(2);
      // Two workers look at the same moments.
      const stops = [1, 2].map(() => repairWorkflows(server.client, logger, 500));
      await expect.poll(() => world.deliveries.length, { timeout: 50_000 }).toBeGreaterThan(0);
      const runs = await runsOf(started.workflowId);
      expect(runs.length).toBe(2);
      await expect.poll(() => world.batches.length).toBeGreaterThan(0);
      for (const stop of stops) stop();
      expect(await runsOf(started.workflowId)).toEqual(runs);
      const told = world.deliveries.flatMap(({ message }) =>
        message.kind === 'page' ? message.pages.map(({ incidentId }) => incidentId) : [],
      );
      expect(told.toSorted()).toEqual(['I1', 'I2']);
    },
  );
  const { values } = await workflowRepairs.get();
  expect(values).toMatchObject([{ labels: { outcome: 'reset' }, value: 1 }]);
});
