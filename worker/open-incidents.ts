import type { Client } from '@temporalio/client';

import { INCIDENT } from '../domain/messages.ts';
import type { Logger } from '../platform/logger.ts';
import { openIncidents } from '../platform/metrics.ts';
import { withDeadline } from '../temporal-config/client.ts';
import { SEARCH_ATTRIBUTES } from '../temporal-config/names.ts';

const EVERY_MS = 15_000;
const LIMIT_MS = 2000;

/** Keeps `pdlite_open_incidents` current, as Temporal's visibility counts them. Answers what stops it. */
export function watchOpenIncidents(client: Client, logger: Logger): () => void {
  const look = async (): Promise<void> => {
    try {
      for (const status of ['triggered', 'acknowledged']) {
        const query = `WorkflowType = "${INCIDENT.workflow}" AND ExecutionStatus = "Running" AND ${SEARCH_ATTRIBUTES.status} = "${status}"`;
        const { count } = await withDeadline(client, LIMIT_MS, () => client.workflow.count(query));
        openIncidents.set({ status }, count);
      }
    } catch (error) {
      // An old number would look like a calm system.
      openIncidents.reset();
      logger.debug({ err: error }, 'open incidents could not be counted');
    }
  };
  void look();
  const timer = setInterval(() => void look(), EVERY_MS);
  return () => clearInterval(timer);
}
