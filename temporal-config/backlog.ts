import type { Client } from '@temporalio/client';

import type { Logger } from '../platform/logger.ts';
import { withDeadline } from './client.ts';

/** Of `temporal.api.enums.v1.TaskQueueType`. */
const ACTIVITY_QUEUE = 2;
const EVERY_MS = 3000;
const LIMIT_MS = 2000;

/** What waits in a queue for a worker, as Temporal counts it: some seconds old, and not to the task. */
export interface Backlog {
  readonly tasks: number;
  /** Of the oldest; 0 when none waits. */
  readonly ageSeconds: number;
}

/**
 * Asks Temporal how many activities wait in a queue; null from a server that keeps no such count.
 * @throws the SDK's ServiceError when it does not answer within 2 s.
 */
export async function readBacklog(client: Client, taskQueue: string): Promise<Backlog | null> {
  const { namespace } = client.options;
  // The package that has the enum is the SDK's own.
  const kind: object = { taskQueueType: ACTIVITY_QUEUE };
  const request = { namespace, taskQueue: { name: taskQueue }, reportStats: true, ...kind };
  const { stats } = await withDeadline(client, LIMIT_MS, () =>
    client.connection.workflowService.describeTaskQueue(request),
  );
  if (!stats) return null;
  const tasks = Number(stats.approximateBacklogCount ?? 0);
  const { seconds, nanos } = stats.approximateBacklogAge ?? {};
  return { tasks, ageSeconds: tasks === 0 ? 0 : Number(seconds ?? 0) + (nanos ?? 0) / 1e9 };
}

/** Looks at a queue's backlog every three seconds. `onLook` gets null when nobody knows. Answers what stops it. */
export function watchBacklog(
  client: Client,
  { taskQueue, logger }: { readonly taskQueue: string; readonly logger: Logger },
  onLook: (backlog: Backlog | null) => void,
): () => void {
  const look = (): void => {
    readBacklog(client, taskQueue).then(onLook, (error: unknown) => {
      onLook(null);
      logger.debug({ err: error, taskQueue }, 'the backlog is not known');
    });
  };
  look();
  const timer = setInterval(look, EVERY_MS);
  return () => clearInterval(timer);
}
