import { WorkflowExecutionAlreadyStartedError, type Client } from '@temporalio/client';

import type { BrokenRun } from '../activities/contract.ts';
import { HEARTBEAT, INCIDENT, REPAIR, RESPONDER } from '../domain/messages.ts';
import type { Logger } from '../platform/logger.ts';
import { withDeadline } from '../temporal-config/client.ts';
import { repairWorkflowId, TASK_QUEUES } from '../temporal-config/names.ts';

const EVERY_MS = 15_000;
const LIMIT_MS = 5000;
/** Of one look; the next one goes on. */
const AT_ONCE = 20;

/** What a workflow task fails for when the history and what the code does of it do not agree. */
const CAUSES = [
  'NonDeterministicError',
  'BadCancelTimerAttributes',
  'BadRequestCancelActivityAttributes',
  'StartTimerDuplicateId',
  'ScheduleActivityDuplicateId',
].map((cause) => `cause=WorkflowTaskFailedCause${cause}`);
const TYPES = [INCIDENT, RESPONDER, HEARTBEAT].map(({ workflow }) => workflow);
const quoted = (texts: readonly string[]): string => texts.map((text) => `'${text}'`).join(', ');
const BROKEN = `ExecutionStatus = 'Running' AND WorkflowType IN (${quoted(TYPES)}) AND TemporalReportedProblems IN (${quoted(CAUSES)})`;

/**
 * Looks for workflows that no worker can go on with, and has each reset to before its last completed workflow task, once
 * however many workers look. One that still cannot go on is another run by then, and loses one task more. The engine
 * names them after some failures in a row (TemporalReportedProblems, server 1.30). Answers what stops it.
 */
export function repairWorkflows(client: Client, logger: Logger, everyMs = EVERY_MS): () => void {
  let isLooking = false;
  let couldLook = true;
  const look = async (): Promise<void> => {
    if (isLooking) return;
    isLooking = true;
    try {
      for (const run of await findBroken(client)) await repair(client, run);
      couldLook = true;
    } catch (error) {
      // Once, as it may last: an engine that is away, or too old to name them.
      if (couldLook)
        logger.warn({ err: error }, 'workflows that cannot go on could not be looked for');
      couldLook = false;
    }
    isLooking = false;
  };
  const timer = setInterval(() => void look(), everyMs);
  return () => clearInterval(timer);
}

function findBroken(client: Client): Promise<readonly BrokenRun[]> {
  return withDeadline(client, LIMIT_MS, async () => {
    const found: BrokenRun[] = [];
    const broken = client.workflow.list({ query: BROKEN, pageSize: AT_ONCE });
    for await (const { workflowId, runId } of broken) {
      found.push({ workflowId, runId });
      if (found.length >= AT_ONCE) break;
    }
    return found;
  });
}

async function repair(client: Client, run: BrokenRun): Promise<void> {
  try {
    await withDeadline(client, LIMIT_MS, () =>
      client.workflow.start(REPAIR.workflow, {
        ...{ workflowId: repairWorkflowId(run.runId), taskQueue: TASK_QUEUES.workflows },
        ...{ workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY', args: [run] },
      }),
    );
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
