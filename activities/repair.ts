import type { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';

import type { Logger } from '../platform/logger.ts';
import { workflowRepairs } from '../platform/metrics.ts';
import { withDeadline } from '../temporal-config/client.ts';
import type { BrokenRun, RepairActivities } from './contract.ts';

/** Of all calls of one try, which the workflow gives 15 s. */
const LIMIT_MS = 10_000;
/** Of the newest events, among which the last completed workflow task is sought. */
const EVENTS = 1000;

export interface RepairDeps {
  readonly client: Client;
  readonly logger: Logger;
}

/** What was decided since the last completed workflow task is decided again, and no signal is lost. */
export function createRepairActivities({ client, logger }: RepairDeps): RepairActivities {
  return {
    resetWorkflow: (run) =>
      withDeadline(client, LIMIT_MS, async () => {
        const { runId } = await client.workflow.getHandle(run.workflowId).describe();
        // A second reset would undo what has been done since the first.
        if (runId !== run.runId) return;
        const eventId = await lastCompletedTask(client, run);
        if (eventId === undefined) {
          workflowRepairs.inc({ outcome: 'failed' });
          logger.error(run, 'a workflow cannot go on, nor be reset');
          throw ApplicationFailure.nonRetryable('There is no completed workflow task');
        }
        await client.workflowService.resetWorkflowExecution({
          ...{ namespace: client.options.namespace, workflowExecution: run },
          ...{ workflowTaskFinishEventId: eventId, reason: 'No worker could go on with it' },
          requestId: `repair/${run.runId}`,
        });
        workflowRepairs.inc({ outcome: 'reset' });
        logger.error(
          { ...run, event: eventId.toString() },
          'a workflow could not go on; it was reset',
        );
      }),
  };
}

async function lastCompletedTask(client: Client, execution: BrokenRun) {
  const { namespace } = client.options;
  const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({
    ...{ namespace, execution, maximumPageSize: EVENTS },
  });
  const completed = history?.events?.find((event) => event.workflowTaskCompletedEventAttributes);
  return completed?.eventId ?? undefined;
}
