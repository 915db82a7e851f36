import { WorkflowNotFoundError, type Client } from '@temporalio/client';

export interface SignalDelivery {
  readonly workflowId: string;
  readonly signal: string;
  readonly argument?: unknown;
  readonly deadlineMs: number;
}

/**
 * Signals a workflow that need not exist any more.
 * @returns false when it is over or never was.
 * @throws whatever the client throws when Temporal does not answer within the deadline; may be tried again.
 */
export async function deliverSignal(client: Client, delivery: SignalDelivery): Promise<boolean> {
  const { workflowId, signal, deadlineMs } = delivery;
  const args = 'argument' in delivery ? [delivery.argument] : [];
  try {
    await client.withDeadline(Date.now() + deadlineMs, () =>
      client.workflow.getHandle(workflowId).signal(signal, ...args),
    );
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}
