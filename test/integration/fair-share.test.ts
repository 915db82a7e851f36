// While the incidents of one account wait in the task queues, who comes later of another account takes turns with them:
// in the queue of workflows as in one of activities, which inherit the account.
import { temporal } from '@temporalio/proto';
import { afterAll, beforeAll, expect, test } from 'vitest';

import type { IncidentInput } from '../../domain/incident/types.ts';
import { INCIDENT } from '../../domain/messages.ts';
import { incidentWorkflowId, startOptions, TASK_QUEUES } from '../../temporal-config/names.ts';
import { alertEvent, settings } from '../support/incident-samples.ts';
import { fakeActivities, newWorld, quietRuntime } from '../support/incident-worker.ts';
import { devServer, whileWorking, workflowBundle, type DevServer } from '../support/temporal.ts';

const STORM = 80;
/** By arrival it would be the last of 80; some come before it, as workers fetch several tasks at a time. */
const SOON = 20;

let server: DevServer;
beforeAll(async () => {
  quietRuntime();
  [server] = await Promise.all([devServer(), workflowBundle()]);
});
afterAll(() => server.close());

test('an account takes turns with another one’s storm', { timeout: 60_000 }, async () => {
  const { client, nativeConnection: connection, namespace } = server;
  const world = newWorld();
  const common = { connection, namespace, activities: fakeActivities(world, client) };
  const pager = {
    ...{ ...common, workflowBundle: await workflowBundle(), taskQueue: TASK_QUEUES.workflows },
    maxConcurrentWorkflowTaskExecutions: 2,
  };
  const projector = {
    ...{ ...common, taskQueue: TASK_QUEUES.projection, maxConcurrentActivityTaskExecutions: 1 },
  };
  for (let n = 0; n < STORM; n += 1) await trigger('STORM', n);
  await trigger('QUIET', 1);
  await whileWorking([pager], async () => {
    await expect.poll(() => world.pages.length, { timeout: 20_000 }).toBe(STORM + 1);
    await expect.poll(waiting, { timeout: 20_000 }).toBe(STORM + 1);
    await trigger('QUIET', 2);
    await expect.poll(waiting, { timeout: 20_000 }).toBe(STORM + 2);
    await whileWorking([projector], () =>
      expect.poll(() => world.batches.length, { timeout: 20_000 }).toBeGreaterThan(STORM + 1),
    );
  });
  const paged = world.pages.map(({ view }) => view.id);
  const listed = world.batches.map(({ view }) => view?.id);
  expect(paged.slice(0, SOON)).toContain('QUIET-1');
  expect(listed.slice(0, SOON)).toContain('QUIET-2');
});

test('a later run keeps its turn', async () => {
  const { client, nativeConnection: connection, namespace } = server;
  const common = { connection, namespace, activities: fakeActivities(newWorld(), client) };
  const workers = [
    { ...common, workflowBundle: await workflowBundle(), taskQueue: TASK_QUEUES.workflows },
    { ...common, taskQueue: TASK_QUEUES.projection },
  ];
  await whileWorking(workers, async () => {
    const first = await trigger('NEXT', 1);
    await first.signal(INCIDENT.signals.events, [
      alertEvent({ eventId: 'E2', action: 'resolve' }),
      alertEvent({ eventId: 'E3' }),
    ]);
    const latest = client.workflow.getHandle(first.workflowId);
    const runId = async () => (await latest.describe()).runId;
    await expect.poll(runId, { timeout: 10_000 }).not.toBe(first.signaledRunId);
    expect((await latest.describe()).priority).toMatchObject({ fairnessKey: 'NEXT' });
    await latest.terminate();
  });
});

async function trigger(accountId: string, n: number) {
  const incidentId = `${accountId}-${n}`;
  const ofAccount = { ...settings(), accountId };
  const input: IncidentInput = { incidentId, settings: ofAccount, manual: null };
  return server.client.workflow.signalWithStart(INCIDENT.workflow, {
    workflowId: incidentWorkflowId(accountId, 'SVC', { integrationId: null, key: incidentId }),
    ...startOptions(accountId),
    ...{ args: [input], signal: INCIDENT.signals.events, signalArgs: [[alertEvent()]] },
  });
}

/** Activities that wait in the projection's queue. */
async function waiting(): Promise<number> {
  const { client, namespace } = server;
  const { stats } = await client.workflowService.describeTaskQueue({
    ...{ namespace, taskQueue: { name: TASK_QUEUES.projection }, reportStats: true },
    taskQueueType: temporal.api.enums.v1.TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
  });
  return Number(stats?.approximateBacklogCount ?? 0);
}
