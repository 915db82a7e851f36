import { setTimeout as delay } from 'node:timers/promises';

import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';

import type { Directory } from '../../domain/directory.ts';
import { findTestServer } from '../../platform/embedded/find-temporal.ts';
import { TASK_QUEUES } from '../../temporal-config/names.ts';
import { defineAttributes } from '../../test/support/incident-worker.ts';
import { workflowBundle } from '../../worker/workflow-bundle.ts';
import { activitiesOn, type Ears } from './virtual-activities.ts';
import { VirtualClock } from './virtual-clock.ts';

/** A time-skipping server with the real workflows and activities at work on it. */
export interface TimersEngine {
  readonly env: TestWorkflowEnvironment;
  readonly clock: VirtualClock;
  /** Lets the server's clock run to this instant, past everything that is due before. */
  sleepUntil(atMs: number): Promise<void>;
  stop(): Promise<void>;
}

/** Workflows in the memory of the worker; the others are read anew from their histories. */
const CACHED = 400;
/** A jump over months with nothing on the way is made in parts. */
const LONGEST_SLEEP_MS = 20 * 86_400_000;
/** A clock that goes no faster than a real one for this long waits for something that never comes. */
const STALL_MS = 20_000;
const SLACK_MS = 2000;

/**
 * The test server has a task under way that it has refused, and its clock jumps no more. It does so when a task
 * cancels a timer that fires at that moment, which the real server answers by another task.
 */
export class ServerStalled extends Error {
  override readonly name = 'ServerStalled';
}

export async function startTimersEngine(): Promise<TimersEngine> {
  const path = await findTestServer({ log: console.log });
  const env = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path } },
  });
  await defineAttributes(env);
  const clock = new VirtualClock(env);
  return {
    ...{ env, clock },
    sleepUntil: async (atMs) => {
      for (let left = atMs - (await clock.ask()); left > 0; left = atMs - (await clock.ask()))
        await sleepUnlessStalled(env, Math.min(left, LONGEST_SLEEP_MS));
    },
    stop: () => env.teardown(),
  };
}

/** @throws ServerStalled */
async function sleepUnlessStalled(env: TestWorkflowEnvironment, ms: number): Promise<void> {
  const end = new AbortController();
  const slept = env.connection.withAbortSignal(end.signal, () => env.sleep(ms)).then(() => true);
  slept.catch(() => undefined);
  try {
    for (;;) {
      const before = await env.currentTimeMs();
      const waited = delay(STALL_MS, false, { signal: end.signal });
      waited.catch(() => undefined);
      if (await Promise.race([slept, waited])) return;
      if ((await env.currentTimeMs()) - before <= STALL_MS + SLACK_MS) throw new ServerStalled();
    }
  } finally {
    end.abort();
  }
}

/** Runs workers for these accounts while `body` runs. */
export async function whileWorking<T>(
  engine: TimersEngine,
  directory: Directory,
  ears: Ears,
  body: () => Promise<T>,
): Promise<T> {
  const { client, nativeConnection: connection } = engine.env;
  const activities = activitiesOn({ client, clock: engine.clock, directory, ears });
  const common = { connection, activities };
  const [workflows, ...others] = await Promise.all([
    Worker.create({
      ...{ ...common, taskQueue: TASK_QUEUES.workflows, maxCachedWorkflows: CACHED },
      workflowBundle: await workflowBundle(),
    }),
    Worker.create({ ...common, taskQueue: TASK_QUEUES.delivery }),
    Worker.create({ ...common, taskQueue: TASK_QUEUES.projection }),
  ]);
  const running = others.map((worker) => worker.run());
  try {
    return await workflows.runUntil(body());
  } finally {
    for (const worker of others) worker.shutdown();
    await Promise.all(running);
  }
}
