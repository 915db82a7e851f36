import { WorkflowNotFoundError, WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';

import type { IncidentAction, IncidentAddress, IncidentView } from '../domain/incident/types.ts';
import { ACTION_REFUSED, INCIDENT } from '../domain/messages.ts';
import { actOnIncident } from '../temporal-config/act-on-incident.ts';
import type { MessagingActivities } from './contract.ts';
import { deliverSignal } from './signal.ts';

/** One signal. The client ends up to 1.6 s late, and the workflow gives a try 3 s. */
const SIGNAL_DEADLINE_MS = 1500;
/** An update waits for a worker; below the 10 s that the workflow gives a try. */
const UPDATE_DEADLINE_MS = 8000;

const REFUSALS: ReadonlySet<string> = new Set(Object.values(ACTION_REFUSED));

export interface MessagingDeps {
  readonly client: Client;
}

/** Messages to incidents. Each carries its own id, so that a second try changes nothing. */
export function createMessagingActivities({ client }: MessagingDeps): MessagingActivities {
  const signal = (workflowId: string, name: string, argument?: unknown): Promise<boolean> =>
    deliverSignal(client, {
      workflowId,
      signal: name,
      deadlineMs: SIGNAL_DEADLINE_MS,
      ...(argument === undefined ? {} : { argument }),
    });
  return {
    signalAnswer: (workflowId, answer) => signal(workflowId, INCIDENT.signals.answer, answer),
    signalUnreachable: (workflowId, report) =>
      signal(workflowId, INCIDENT.signals.unreachable, report),
    forwardEvents: (target, events) => signal(target.workflowId, INCIDENT.signals.events, events),
    signalRelease: (source) => signal(source.workflowId, INCIDENT.signals.release),
    mergeSource: (source, action) => mergeSource(client, source, action),
  };
}

async function mergeSource(
  client: Client,
  source: IncidentAddress,
  action: IncidentAction,
): Promise<IncidentView> {
  try {
    return await actOnIncident(client, source.workflowId, action, UPDATE_DEADLINE_MS);
  } catch (error) {
    throw finalFailure(error) ?? error;
  }
}

/** What no further try can mend: the source refused, or is over. */
function finalFailure(error: unknown): ApplicationFailure | undefined {
  if (error instanceof WorkflowNotFoundError) {
    return ApplicationFailure.nonRetryable('the incident is over', 'NotFound');
  }
  const cause = error instanceof WorkflowUpdateFailedError ? error.cause : undefined;
  if (cause instanceof ApplicationFailure && REFUSALS.has(cause.type ?? '')) {
    return ApplicationFailure.nonRetryable(cause.message, cause.type);
  }
  return undefined;
}
