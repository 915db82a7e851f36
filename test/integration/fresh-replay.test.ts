// What a responder does on a real server can be replayed by the next worker, whatever the timing was: sixty people
// answer at once and ask what came of it, so that effects, timers, signals and queries fall into one workflow task.
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { RESPONDER } from '../../domain/messages.ts';
import { responderWorkflowId, TASK_QUEUES } from '../../temporal-config/names.ts';
import { ResponderActivities } from '../support/responder-worker.ts';
import { aPage, aReply } from '../support/responder-world.ts';
import { devServer, whileWorking, workflowBundle, type DevServer } from '../support/temporal.ts';

const PEOPLE = Array.from({ length: 60 }, (_, n) => `U${n}`);
let server: DevServer;
beforeAll(async () => {
  server = await devServer();
});
afterAll(() => server.close());

const page = (userId: string) =>
  server.client.workflow.signalWithStart(RESPONDER.workflow, {
    workflowId: responderWorkflowId('A', userId),
    taskQueue: TASK_QUEUES.workflows,
    args: [{ accountId: 'A', userId }],
    signal: RESPONDER.signals.page,
    signalArgs: [aPage(1, Date.now())],
  });

test('histories of people who answer replay', { timeout: 60_000 }, async () => {
  const bundle = await workflowBundle();
  const world = new ResponderActivities();
  const { activities } = world;
  const common = { connection: server.nativeConnection, namespace: server.namespace, activities };
  await whileWorking(
    [
      { ...common, taskQueue: TASK_QUEUES.workflows, workflowBundle: bundle },
      { ...common, taskQueue: TASK_QUEUES.delivery },
      { ...common, taskQueue: TASK_QUEUES.projection },
    ],
    async () => {
      const handles = await Promise.all(PEOPLE.map(page));
      await expect.poll(() => world.deliveries.length, { timeout: 20_000 }).toBe(PEOPLE.length);
      const at = new Date().toISOString();
      await Promise.all(
        handles.map(async (handle) => {
          await handle.signal(RESPONDER.signals.reply, aReply('SM1', { at }));
          // As the api does, to tell the person what came of it.
          await handle.query(RESPONDER.queries.replyOutcome, 'SM1');
        }),
      );
      await expect.poll(() => world.answers.length, { timeout: 20_000 }).toBe(PEOPLE.length);
    },
  );
  const histories = await Promise.all(
    PEOPLE.map(async (userId) => {
      const workflowId = responderWorkflowId('A', userId);
      const history = await server.client.workflow.getHandle(workflowId).fetchHistory();
      return { workflowId, history };
    }),
  );
  const failed: string[] = [];
  for await (const { workflowId, error } of Worker.runReplayHistories(
    { workflowBundle: bundle },
    histories,
  ))
    if (error) failed.push(`${workflowId}: ${error.message}`);
  expect(failed).toEqual([]);
});
