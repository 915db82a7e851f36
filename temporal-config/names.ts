import { createHash } from 'node:crypto';

import { TASK_QUEUES } from '../domain/messages.ts';

export { SEARCH_ATTRIBUTES, TASK_QUEUES } from '../domain/messages.ts';

/**
 * After this a task of a workflow that a worker took and did not finish is given to another: until then the death
 * of a worker holds up what it had just begun. Half of Temporal's default; far above what a task takes, also when
 * a long history is read again on a busy machine.
 */
const WORKFLOW_TASK_TIMEOUT = '5 seconds' as const;

/**
 * How every workflow of an account is started. Accounts take turns in task queues, so that nobody waits behind the storm
 * of another; activities and later runs inherit the key (at most 64 bytes). It needs `matching.enableFairness` (tried
 * with server 1.32): without it queues go by arrival.
 */
export const startOptions = (accountId: string) => ({
  taskQueue: TASK_QUEUES.workflows,
  workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
  priority: { fairnessKey: accountId },
});

/** `incident/{account}/{service}/{hash}`; the hash keeps what senders write out of ids. */
export function incidentWorkflowId(
  accountId: string,
  serviceId: string,
  grouping: { readonly integrationId: string | null; readonly key: string },
): string {
  return `incident/${accountId}/${serviceId}/${groupingHash(grouping)}`;
}

export function groupingHash(grouping: {
  readonly integrationId: string | null;
  readonly key: string;
}): string {
  return createHash('sha256')
    .update(`${grouping.integrationId ?? ''}\n${grouping.key}`)
    .digest('hex')
    .slice(0, 32);
}

/** One for each run that no worker can go on with. */
export function repairWorkflowId(runId: string): string {
  return `repair/${runId}`;
}

/** One for each heartbeat integration. */
export function heartbeatWorkflowId(accountId: string, integrationId: string): string {
  return `heartbeat/${accountId}/${integrationId}`;
}

export function responderWorkflowId(accountId: string, userId: string): string {
  return `responder/${accountId}/${userId}`;
}

/** Whose responder a delivery id (`{responder's workflow id}/{instance}-{counter}`) is of; null for other texts. */
export function responderOfDelivery(
  deliveryId: string,
): { readonly accountId: string; readonly userId: string } | null {
  const match = /^responder\/([\w-]{1,40})\/([\w-]{1,40})\/[\w-]{1,60}$/.exec(deliveryId);
  const [, accountId, userId] = match ?? [];
  return accountId === undefined || userId === undefined ? null : { accountId, userId };
}
