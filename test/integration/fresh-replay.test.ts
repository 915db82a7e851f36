// What happens on a real server can be replayed by the next worker, whatever the timing was: sixty people
// answer at once and ask what came of it, so that effects, timers, signals and queries fall into one workflow task.
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, test } from 'vitest';

import type { PageRequest, StopRequest } from '../../activities/contract.ts';
import { INCIDENT, RESPONDER } from '../../domain/messages.ts';
import { responderWorkflowId, TASK_QUEUES } from '../../temporal-config/names.ts';
import { alertEvent, answer, input } from '../support/incident-samples.ts';
import { fakeActivities, newWorld } from '../support/incident-worker.ts';
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
          // As people do in Temporal UI.
          await handle.query(RESPONDER.queries.replyOutcome, 'SM1');
        }),
      );
      await expect.poll(() => world.answers.length, { timeout: 20_000 }).toBe(PEOPLE.length);
    },
  );
  await expectReplayed(PEOPLE.map((userId) => responderWorkflowId('A', userId)));
});

test(
  'histories of incidents that are looked at meanwhile replay',
  { timeout: 60_000 },
  async () => {
    const world = newWorld();
    const fakes = fakeActivities(world, server.client);
    // As long as real ones: the looks come while they are under way.
    const slowly = async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 50));
    };
    const activities = {
      ...fakes,
      page: async (request: PageRequest) => {
        await slowly();
        return fakes.page(request);
      },
      stopPages: async (request: StopRequest) => {
        await slowly();
        return fakes.stopPages(request);
      },
    };
    const common = { connection: server.nativeConnection, namespace: server.namespace, activities };
    const ids = PEOPLE.map((id) => `incident/fresh/${id}`);
    await whileWorking(
      [
        { ...common, taskQueue: TASK_QUEUES.workflows, workflowBundle: await workflowBundle() },
        { ...common, taskQueue: TASK_QUEUES.projection },
      ],
      async () => {
        await Promise.all(
          ids.map(async (workflowId) => {
            const handle = await server.client.workflow.signalWithStart(INCIDENT.workflow, {
              ...{ workflowId, taskQueue: TASK_QUEUES.workflows, args: [input()] },
              signal: INCIDENT.signals.events,
              signalArgs: [[alertEvent()]],
            });
            await handle.query(INCIDENT.queries.view);
            await handle.signal(INCIDENT.signals.answer, answer('acknowledge'));
            await handle.query(INCIDENT.queries.view);
            await handle.signal(INCIDENT.signals.answer, answer('resolve', '2'));
            await handle.query(INCIDENT.queries.view);
          }),
        );
        await expect.poll(() => world.stops.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(60);
      },
    );
    await expectReplayed(ids);
  },
);

async function expectReplayed(workflowIds: readonly string[]): Promise<void> {
  const histories = await Promise.all(
    workflowIds.map(async (workflowId) => {
      const history = await server.client.workflow.getHandle(workflowId).fetchHistory();
      return { workflowId, history };
    }),
  );
  const failed: string[] = [];
  for await (const { workflowId, error } of Worker.runReplayHistories(
    { workflowBundle: await workflowBundle() },
    histories,
  ))
    if (error) failed.push(`${workflowId}: ${error.message}`);
  expect(failed).toEqual([]);
}
