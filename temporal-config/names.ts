import { createHash } from 'node:crypto';

export { SEARCH_ATTRIBUTES, TASK_QUEUES } from '../domain/messages.ts';

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

/** One for each heartbeat integration. */
export function heartbeatWorkflowId(accountId: string, integrationId: string): string {
  return `heartbeat/${accountId}/${integrationId}`;
}

export function responderWorkflowId(accountId: string, userId: string): string {
  return `responder/${accountId}/${userId}`;
}
