import { createHash } from 'node:crypto';

import type { Client, WorkflowExecutionInfo } from '@temporalio/client';

import { HEARTBEAT, INCIDENT, RESPONDER } from '../domain/messages.ts';
import type { Logger } from '../platform/logger.ts';
import { workflowRepairs } from '../platform/metrics.ts';
import { withDeadline } from '../temporal-config/client.ts';

const EVERY_MS = 15_000;
const LIMIT_MS = 5000;
/** Of one look; the next one goes on. */
const AT_ONCE = 20;
/** Of the newest events, among which the last completed workflow task is sought. */
const EVENTS = 1000;

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
 * Looks for workflows that no worker can go on with, and resets each to before its last completed workflow task: what
 * was decided since is decided again, and no signal is lost. One that still cannot go on loses one task more the next
 * time. The engine names them after some failures in a row (TemporalReportedProblems, server 1.30). Answers what stops it.
 */
export function repairWorkflows(client: Client, logger: Logger, everyMs = EVERY_MS): () => void {
  let isLooking = false;
  const look = async (): Promise<void> => {
    if (isLooking) return;
    isLooking = true;
    await repairAll(client, logger).finally(() => (isLooking = false));
  };
  const timer = setInterval(() => void look(), everyMs);
  return () => clearInterval(timer);
}

async function repairAll(client: Client, logger: Logger): Promise<void> {
  try {
    for (const one of await findBroken(client)) await repair(client, logger, one);
  } catch (error) {
    logger.debug({ err: error }, 'broken workflows could not be looked for');
  }
}

function findBroken(client: Client): Promise<readonly WorkflowExecutionInfo[]> {
  return withDeadline(client, LIMIT_MS, async () => {
    const found: WorkflowExecutionInfo[] = [];
    for await (const one of client.workflow.list({ query: BROKEN, pageSize: AT_ONCE })) {
      found.push(one);
      if (found.length >= AT_ONCE) break;
    }
    return found;
  });
}

async function repair(client: Client, logger: Logger, one: WorkflowExecutionInfo): Promise<void> {
  const { workflowId, runId, type: workflow } = one;
  try {
    const eventId = await lastCompletedTask(client, { workflowId, runId });
    if (eventId === undefined) throw new Error('There is no completed workflow task');
    await withDeadline(client, LIMIT_MS, () =>
      client.workflowService.resetWorkflowExecution({
        namespace: client.options.namespace,
        workflowExecution: { workflowId, runId },
        workflowTaskFinishEventId: eventId,
        reason: 'No worker could go on with it',
        // The same by every worker: the engine resets it once.
        requestId: createHash('sha256').update(`${runId}/${eventId.toString()}`).digest('hex'),
      }),
    );
    workflowRepairs.inc({ workflow, outcome: 'reset' });
    const event = eventId.toString();
    logger.error({ workflowId, runId, event }, 'a workflow could not go on; it was reset');
  } catch (error) {
    workflowRepairs.inc({ workflow, outcome: 'failed' });
    logger.error({ err: error, workflowId, runId }, 'a workflow cannot go on, nor be reset');
  }
}

async function lastCompletedTask(
  client: Client,
  execution: { readonly workflowId: string; readonly runId: string },
) {
  const { history } = await withDeadline(client, LIMIT_MS, () =>
    client.workflowService.getWorkflowExecutionHistoryReverse({
      ...{ namespace: client.options.namespace, execution, maximumPageSize: EVENTS },
    }),
  );
  const completed = history?.events?.find((event) => event.workflowTaskCompletedEventAttributes);
  return completed?.eventId ?? undefined;
}
