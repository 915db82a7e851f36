import { createHash } from 'node:crypto';

/** Task queues. Deliveries have their own, so that a slow provider never holds up decisions. */
export const TASK_QUEUES = {
  workflows: 'pdlite',
  delivery: 'pdlite-delivery',
  projection: 'pdlite-projection',
} as const;

/** Custom search attributes, all keywords; registered by `set-up.ts`. */
export const SEARCH_ATTRIBUTES = {
  account: 'PdliteAccount',
  service: 'PdliteService',
  status: 'PdliteStatus',
  urgency: 'PdliteUrgency',
  /** KeywordList of user ids. */
  assignees: 'PdliteAssignees',
  /** SHA-256 of the dedup key, first 32 hex digits. */
  dedupKey: 'PdliteDedupKey',
  incident: 'PdliteIncident',
} as const;

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

export function responderWorkflowId(accountId: string, userId: string): string {
  return `responder/${accountId}/${userId}`;
}
