import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';

import { TASK_QUEUES } from '../temporal-config/names.ts';
import { createActivities, type ActivityDeps } from './activities.ts';
import { activitySpans } from './activity-spans.ts';
import { workflowBundle } from './workflow-bundle.ts';

export interface WorkerDeps extends ActivityDeps {
  readonly connection: NativeConnection;
  /** Prebuilt workflow code; built, or taken from the cache, when missing. */
  readonly bundle?: { readonly codePath: string };
}

export type WorkerState = 'running' | 'stopping' | 'stopped' | 'failed';

export interface RunningWorker {
  /** Settles when all three workers have ended; rejects when one of them failed. */
  readonly run: Promise<void>;
  state(): WorkerState;
  /** Takes no more work, lets what is under way finish (at most 10 s), and hands its workflows back. */
  shutdown(): Promise<void>;
}

/** Activities under way may finish; then they are told to stop, and then left. Below the 15 s of `npm start`. */
const GRACE_MS = 8000;
const FORCE_MS = 10_000;
/** A worker that was killed holds its workflows back no longer than this. */
const STICKY_MS = 1000;
/**
 * Tasks of workflows that are not in the cache read a history each, all of them by turns on one thread. More at once than
 * it can finish within a task's timeout, and all time out, are given out again, and no end of it: far below that bound, and
 * far above what keeps the thread busy while pages wait for Temporal.
 */
export const WORKFLOW_TASKS_AT_ONCE = 10;
const DELIVERIES_AT_ONCE = 100;
/**
 * After an outage of PostgreSQL thousands wait. Few at once bring them in as fast as the engine can, which more would
 * only fill with tasks that stand before those of pages.
 */
export const PROJECTIONS_AT_ONCE = 3;

/** Starts one worker for each task queue on one connection, so that slow providers hold up no decision. */
export async function startWorker(deps: WorkerDeps): Promise<RunningWorker> {
  const bundle = deps.bundle ?? (await workflowBundle());
  const workers = await Promise.all(options(deps, bundle).map((one) => Worker.create(one)));
  let state: WorkerState = 'running';
  const stopAll = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  const runOne = async (worker: Worker): Promise<void> => {
    try {
      await worker.run();
    } finally {
      // One queue without a worker would be worse than a restart of all.
      stopAll();
    }
  };
  const run = Promise.allSettled(workers.map(runOne)).then((results) => {
    const failed = results.find((result) => result.status === 'rejected');
    state = failed === undefined ? 'stopped' : 'failed';
    if (failed !== undefined) throw failed.reason;
  });
  run.catch(() => undefined);
  return {
    run,
    state: () => state,
    shutdown: () => {
      if (state === 'running') state = 'stopping';
      stopAll();
      return run;
    },
  };
}

function options(deps: WorkerDeps, bundle: { readonly codePath: string }): WorkerOptions[] {
  const activities = createActivities(deps);
  const common = {
    connection: deps.connection,
    namespace: deps.config.TEMPORAL_NAMESPACE,
    shutdownGraceTime: GRACE_MS,
    shutdownForceTime: FORCE_MS,
    activityTaskPollerBehavior: { type: 'autoscaling' as const },
    interceptors: { activity: [activitySpans] },
  };
  return [
    {
      ...common,
      taskQueue: TASK_QUEUES.workflows,
      workflowBundle: bundle,
      activities: activities.workflows,
      maxConcurrentWorkflowTaskExecutions: WORKFLOW_TASKS_AT_ONCE,
      maxCachedWorkflows: deps.config.WORKER_MAX_CACHED_WORKFLOWS,
      stickyQueueScheduleToStartTimeout: STICKY_MS,
      // A poll that waits takes the place of a task: those for workflows that are new must leave room for the others.
      workflowTaskPollerBehavior: { type: 'autoscaling', initial: 2 },
    },
    {
      ...common,
      taskQueue: TASK_QUEUES.delivery,
      activities: activities.delivery,
      maxConcurrentActivityTaskExecutions: DELIVERIES_AT_ONCE,
    },
    {
      ...common,
      taskQueue: TASK_QUEUES.projection,
      activities: activities.projection,
      maxConcurrentActivityTaskExecutions: PROJECTIONS_AT_ONCE,
    },
  ];
}
