import type { TestWorkflowEnvironment } from '@temporalio/testing';

import { REPAIR } from '../../domain/messages.ts';
import { repairWorkflowId, TASK_QUEUES } from '../../temporal-config/names.ts';

/** What a recorded repair does; each answers its workflow's id. */
export const recordedRepairs: Readonly<
  Record<string, (env: TestWorkflowEnvironment) => Promise<string>>
> = {
  'repair-reset': async (env) => {
    const run = { workflowId: 'responder/ACC/U1', runId: 'R1' };
    const workflowId = repairWorkflowId(run.runId);
    const options = { workflowId, taskQueue: TASK_QUEUES.workflows, args: [run] };
    await env.client.workflow.execute(REPAIR.workflow, options);
    return workflowId;
  },
};
