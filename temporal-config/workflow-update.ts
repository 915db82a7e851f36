import type { WorkflowHandle, WorkflowUpdateOptions } from '@temporalio/client';

import { GRPC, hasGrpcCode } from './grpc.ts';

const TRIES = 5;
const PAUSE_MS = 50;

/**
 * Runs an update and answers what its handler answers. The engine abandons updates whose workflow task fails, as one
 * does that was about to go on in a fresh history while a message came: such an update is tried again at once.
 * @throws WorkflowUpdateFailedError when the workflow refuses; the SDK's errors when the engine does not answer.
 */
export async function updateWorkflow<T>(
  handle: WorkflowHandle,
  name: string,
  options: WorkflowUpdateOptions & { args: [unknown, ...unknown[]] },
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await handle.executeUpdate<T, [unknown, ...unknown[]]>(name, options);
    } catch (error) {
      if (!hasGrpcCode(error, GRPC.failedPrecondition) || attempt >= TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * attempt));
    }
  }
}
