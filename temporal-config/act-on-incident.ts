import type { Client } from '@temporalio/client';

import type { IncidentAction, IncidentView } from '../domain/incident/types.ts';
import { INCIDENT } from '../domain/messages.ts';
import { withDeadline } from './client.ts';
import { updateWorkflow } from './workflow-update.ts';

/**
 * Runs the `act` update within `limitMs` and answers the incident after it. The action's id is the update's, so
 * that a further try finds the answer of the first.
 * @throws WorkflowUpdateFailedError when the workflow refuses; the SDK's errors when the engine does not answer.
 */
export function actOnIncident(
  client: Client,
  workflowId: string,
  action: IncidentAction,
  limitMs: number,
): Promise<IncidentView> {
  const handle = client.workflow.getHandle(workflowId);
  const { actionId: updateId } = action;
  return withDeadline(client, limitMs, () =>
    updateWorkflow<IncidentView>(handle, INCIDENT.updates.act, { args: [action], updateId }),
  );
}
