import {
  ApplicationFailure,
  type WorkflowHandle,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';

import { READ } from '../domain/messages.ts';
import { updateWorkflow } from './workflow-update.ts';

/**
 * What a workflow knows, by the name of one of its queries and at most one argument; waits for a worker until the
 * caller's deadline. A running workflow is never queried: a query can leave it so that no worker can go on with it
 * (docs/adr/0010). It is asked by an update instead, which it refuses with the answer.
 * @throws WorkflowNotFoundError when it is gone; the SDK's errors when no worker or no engine answers.
 */
export async function readWorkflow<T>(
  handle: WorkflowHandle,
  name: string,
  argument?: unknown,
): Promise<T> {
  try {
    await updateWorkflow(handle, READ, { args: [name, argument] });
  } catch (error) {
    const answer = answerOf(error);
    if (answer) return answer[0] as T;
    // It is over, or its worker has yet to be replaced by this version: then a query.
    if (!(error instanceof WorkflowNotFoundError) && !refusal(error)) throw error;
  }
  return handle.query<T, [unknown]>(name, argument);
}

function answerOf(error: unknown): readonly unknown[] | undefined {
  const cause = refusal(error);
  return cause?.type === READ ? (cause.details ?? []) : undefined;
}

function refusal(error: unknown): ApplicationFailure | undefined {
  if (!(error instanceof WorkflowUpdateFailedError)) return undefined;
  return error.cause instanceof ApplicationFailure ? error.cause : undefined;
}
