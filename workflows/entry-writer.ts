import { proxyActivities } from '@temporalio/workflow';
import type { ProjectionActivities, ProjectionBatch } from '../activities/contract.ts';
import { TASK_QUEUES } from '../domain/messages.ts';

/** Never on the paging path, so it may wait for the database as long as that takes. */
const options = {
  taskQueue: TASK_QUEUES.projection,
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '10 seconds' },
} as const;
/** Temporal's default is 3; what is lower goes first. */
const first = { ...options, priority: { priorityKey: 2 } } as const;
const { project } = proxyActivities<ProjectionActivities>(options);

/** A whole outbox. After so many a workflow stands behind the others again. */
const IN_A_ROW = 10;

/**
 * The writes of one workflow, one after the other. What it has to write right after a write goes before what others
 * wait to write: at the end of a backlog, each would have to be read again for it, and none would be complete until then.
 */
export class EntryWriter {
  private left = 0;

  /** Retried until it is written. `isNext`: it waited already when the write before came back. */
  async write(batch: ProjectionBatch, isNext: boolean): Promise<void> {
    const goesFirst = isNext && this.left > 0;
    await project.executeWithOptions(goesFirst ? first : options, [batch]);
    this.left = goesFirst ? this.left - 1 : IN_A_ROW;
  }
}
