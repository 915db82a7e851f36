import type { Client } from '@temporalio/client';

import type { Directory } from '../domain/directory.ts';
import { INCIDENT } from '../domain/messages.ts';
import type { Logger } from '../platform/logger.ts';
import { incidentStart, workflowIdOfEvent } from '../temporal-config/incident-start.ts';
import type { HeartbeatActivities } from './contract.ts';
import { deliverSignal } from './signal.ts';

/** Below the 3 s that the workflow gives a try. */
const SIGNAL_DEADLINE_MS = 1500;

export interface HeartbeatDeps {
  readonly client: Client;
  readonly directory: Directory;
  readonly logger: Logger;
}

/** Events that a heartbeat raises go the way of every other: a signal to the incident of their key. */
export function createHeartbeatActivities(deps: HeartbeatDeps): HeartbeatActivities {
  const { client, directory, logger } = deps;
  return {
    raiseEvent: async (accountId, event) => {
      // A directory that is not there yet would make every integration look deleted.
      if (directory.accounts().length === 0) throw new Error('the directory is not loaded yet');
      const index = directory.account(accountId);
      const integration = index?.integrations.get(event.integrationId ?? '');
      const service = index?.services.get(integration?.serviceId ?? '');
      if (!index || integration?.type !== 'heartbeat_inbound_integration' || !service) return false;
      if (service.status === 'disabled') {
        logger.info({ serviceId: service.id }, 'heartbeat of a disabled service ignored');
        return true;
      }
      const { payload } = event;
      const summary = `${integration.name}: ${payload?.summary ?? ''}`;
      const named = { ...event, payload: payload && { ...payload, summary } };
      const route = { index, service, event: named };
      if (event.action !== 'trigger') {
        const workflowId = workflowIdOfEvent(route);
        const signal = INCIDENT.signals.events;
        await deliverSignal(client, {
          ...{ workflowId, signal, argument: [named], deadlineMs: SIGNAL_DEADLINE_MS },
        });
        return true;
      }
      await client.withDeadline(Date.now() + SIGNAL_DEADLINE_MS, () =>
        client.workflow.signalWithStart(INCIDENT.workflow, incidentStart(route, [named])),
      );
      return true;
    },
  };
}
