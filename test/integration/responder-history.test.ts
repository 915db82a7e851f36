// Property: a responder's history stays short however much happens to it, and its next run knows
// everything that the one before knew. On a real server: on the time-skipping one this was seen to hang.
import { fileURLToPath } from 'node:url';
import type { WorkflowHandle } from '@temporalio/client';
import { bundleWorkflowCode } from '@temporalio/worker';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RESPONDER } from '../../domain/messages.ts';
import type { Delivery, DeliveryOutcome, ResponderState } from '../../domain/responder/types.ts';
import { TASK_QUEUES, responderWorkflowId } from '../../temporal-config/names.ts';
import { aPage, iso } from '../support/responder-world.ts';
import { devServer, whileWorking } from '../support/temporal.ts';
import type { DevServer } from '../support/temporal.ts';

let server: DevServer;
beforeAll(async () => {
  server = await devServer();
}, 60_000);
afterAll(() => server.close());

test('a fresh history carries pages, codes and what was written', { timeout: 60_000 }, async () => {
  const deliveries: Delivery[] = [];
  const activities = {
    deliver: (delivery: Delivery): Promise<DeliveryOutcome> => {
      deliveries.push(delivery);
      const at = iso(Date.now());
      return Promise.resolve({ result: 'accepted', at, provider: 'fake', providerId: 'X' });
    },
    project: () => Promise.resolve(),
  };
  const { nativeConnection: connection, namespace } = server;
  const workflowsPath = fileURLToPath(new URL('../../workflows/responder.ts', import.meta.url));
  const workflowBundle = await bundleWorkflowCode({ workflowsPath });
  const base = { connection, namespace, activities };
  const workers = [
    { ...base, taskQueue: TASK_QUEUES.workflows, workflowBundle },
    { ...base, taskQueue: TASK_QUEUES.delivery },
    { ...base, taskQueue: TASK_QUEUES.projection },
  ];
  await whileWorking(workers, async () => {
    const workflowId = responderWorkflowId('A', 'U1');
    const first = await server.client.workflow.signalWithStart(RESPONDER.workflow, {
      workflowId,
      taskQueue: TASK_QUEUES.workflows,
      args: [{ accountId: 'A', userId: 'U1' }],
      signal: RESPONDER.signals.page,
      signalArgs: [aPage(1, Date.now())],
    });
    const latest: WorkflowHandle = server.client.workflow.getHandle(workflowId);
    for (let turn = 0; turn < 100; turn++) {
      const optOut = { contactMethodId: 'SMS9', optedOut: turn % 2 === 0, at: iso(0) };
      await latest.signal(RESPONDER.signals.optOut, optOut);
      // The answer comes after the signal's own workflow task.
      await latest.query(RESPONDER.queries.openPages, []);
    }
    const described = await latest.describe();
    expect(described.runId).not.toBe(first.signaledRunId);
    expect(described.historyLength).toBeLessThan(250);
    const state = await latest.query<ResponderState>(RESPONDER.queries.state);
    expect(state.pages.map((page) => page.pageId)).toEqual(['I1/1']);
    expect(state.codes).toHaveLength(1);
    expect(state.outbox).toEqual([]);
  });
  expect(deliveries).toHaveLength(1);
});
