import type { Client } from '@temporalio/client';

import type { Directory } from '../domain/directory.ts';
import type { AlertEvent } from '../domain/event.ts';
import { INCIDENT } from '../domain/messages.ts';
import type { Logger } from '../platform/logger.ts';
import {
  incidentStart,
  workflowIdOfEvent,
  type EventRoute,
} from '../temporal-config/incident-start.ts';
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
  return {
    raiseEvent: async (accountId, event) => {
      const route = routeOf(deps.directory, accountId, event);
      if (!route) return false;
      if (route.service.status === 'active') await raise(deps.client, route);
      else deps.logger.info({ serviceId: route.service.id }, 'heartbeat of a disabled service');
      return true;
    },
  };
}

/** Where the event belongs, with the integration's name in its summary; undefined when that is gone. */
function routeOf(
  directory: Directory,
  accountId: string,
  event: AlertEvent,
): EventRoute | undefined {
  // A directory that is not there yet would make every integration look deleted.
  if (directory.accounts().length === 0) throw new Error('the directory is not loaded yet');
  const index = directory.account(accountId);
  const integration = index?.integrations.get(event.integrationId ?? '');
  if (!index || integration?.type !== 'heartbeat_inbound_integration') return undefined;
  const service = index.services.get(integration.serviceId);
  const { payload } = event;
  const summary = `${integration.name}: ${payload?.summary ?? ''}`;
  const named = { ...event, payload: payload && { ...payload, summary } };
  return service && { index, service, event: named };
}

async function raise(client: Client, route: EventRoute): Promise<void> {
  const { event } = route;
  if (event.action === 'trigger') {
    await client.withDeadline(Date.now() + SIGNAL_DEADLINE_MS, () =>
      client.workflow.signalWithStart(INCIDENT.workflow, incidentStart(route, [event])),
    );
    return;
  }
  const workflowId = workflowIdOfEvent(route);
  const signal = INCIDENT.signals.events;
  const deadlineMs = SIGNAL_DEADLINE_MS;
  await deliverSignal(client, { workflowId, signal, argument: [event], deadlineMs });
}
