import type { TestWorkflowEnvironment } from '@temporalio/testing';

import { HEARTBEAT, TASK_QUEUES } from '../../domain/messages.ts';

const now = () => new Date().toISOString();

/** What a recorded heartbeat does; each answers its workflow's id. */
export const recordedHeartbeats: Readonly<
  Record<string, (env: TestWorkflowEnvironment) => Promise<string>>
> = {
  'heartbeat-missed': async (env) => {
    const lastBeatAt = now();
    const handle = await env.client.workflow.signalWithStart(HEARTBEAT.workflow, {
      workflowId: 'heartbeat/ACC/INT',
      taskQueue: TASK_QUEUES.workflows,
      args: [{ accountId: 'ACC', integrationId: 'INT', lastBeatAt, timeoutSec: 2, missedAt: null }],
      signal: HEARTBEAT.signals.beat,
      signalArgs: [{ at: lastBeatAt, timeoutSec: 2 }],
    });
    await env.sleep(4000);
    await handle.signal(HEARTBEAT.signals.beat, { at: now(), timeoutSec: 2 });
    await env.sleep(1000);
    await handle.signal(HEARTBEAT.signals.beat, { at: now(), timeoutSec: 3600 });
    await env.sleep(500);
    return handle.workflowId;
  },
};
