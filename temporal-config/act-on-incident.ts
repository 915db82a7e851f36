import { type Client, isGrpcServiceError, ServiceError } from '@temporalio/client';

import type { IncidentAction, IncidentView } from '../domain/incident/types.ts';
import { INCIDENT } from '../domain/messages.ts';
import { withDeadline } from './client.ts';

/** gRPC's status. */
const FAILED_PRECONDITION = 9;
const TRIES = 5;
const PAUSE_MS = 50;

/**
 * Runs the `act` update within `limitMs` and answers the incident after it. The action's id is the update's, so
 * that a further try finds the answer of the first. The engine abandons updates whose workflow task fails, as one
 * does that was about to go on in a fresh history while a message came: such an update is tried again at once.
 * @throws WorkflowUpdateFailedError when the workflow refuses; the SDK's errors when the engine does not answer.
 */
export function actOnIncident(
  client: Client,
  workflowId: string,
  action: IncidentAction,
  limitMs: number,
): Promise<IncidentView> {
  const update = () =>
    client.workflow
      .getHandle(workflowId)
      .executeUpdate<IncidentView, [IncidentAction]>(INCIDENT.updates.act, {
        args: [action],
        updateId: action.actionId,
      });
  return withDeadline(client, limitMs, () => persist(update));
}

async function persist<T>(update: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await update();
    } catch (error) {
      if (!isAbandoned(error) || attempt >= TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * attempt));
    }
  }
}

function isAbandoned(error: unknown): boolean {
  const cause = error instanceof ServiceError ? error.cause : error;
  return isGrpcServiceError(cause) && (cause.code as number) === FAILED_PRECONDITION;
}
