// Property: when many workflows with long histories have something to do at once and a worker has none of them in its
// cache, as after an outage of PostgreSQL or a restart, each is read again once, and nobody's page waits for minutes.
import { temporal } from '@temporalio/proto';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { RESPONDER } from '../../domain/messages.ts';
import { responderWorkflowId, startOptions, TASK_QUEUES } from '../../temporal-config/names.ts';
import { readWorkflow } from '../../temporal-config/read-workflow.ts';
import { WORKFLOW_TASKS_AT_ONCE } from '../../worker/worker.ts';
import { quietRuntime } from '../support/incident-worker.ts';
import { ResponderActivities } from '../support/responder-worker.ts';
import { aPage } from '../support/responder-world.ts';
import { devServer, whileWorking, workflowBundle, type DevServer } from '../support/temporal.ts';

const PEOPLE = 45;
/** Just below what a responder lets its history grow to while it cannot write. */
const EVENTS = 280;

const START_TO_CLOSE = temporal.api.enums.v1.TimeoutType.TIMEOUT_TYPE_START_TO_CLOSE;

let server: DevServer;
beforeAll(async () => {
  quietRuntime();
  [server] = await Promise.all([devServer(), workflowBundle()]);
}, 60_000);
afterAll(() => server.close());

test(
  'long histories that are read again at once hold up nobody',
  { timeout: 120_000 },
  async () => {
    const world = new ResponderActivities();
    world.onProject = () => {
      throw new Error('the database is away');
    };
    const { client, nativeConnection: connection, namespace } = server;
    const common = { connection, namespace, activities: world.activities };
    const workers = async () => [
      {
        ...{ ...common, workflowBundle: await workflowBundle(), taskQueue: TASK_QUEUES.workflows },
        ...{ maxConcurrentWorkflowTaskExecutions: WORKFLOW_TASKS_AT_ONCE },
        stickyQueueScheduleToStartTimeout: '1 second' as const,
      },
      { ...common, taskQueue: TASK_QUEUES.delivery },
      { ...common, taskQueue: TASK_QUEUES.projection },
    ];
    const people = Array.from({ length: PEOPLE }, (_, n) => `U${n}`);
    const page = (userId: string, number: number) =>
      client.workflow.signalWithStart(RESPONDER.workflow, {
        workflowId: responderWorkflowId('A', userId),
        ...startOptions('A'),
        args: [{ accountId: 'A', userId }],
        signal: RESPONDER.signals.page,
        signalArgs: [aPage(number, Date.now())],
      });
    const handleOf = (userId: string) =>
      client.workflow.getHandle(responderWorkflowId('A', userId));
    await whileWorking(await workers(), async () => {
      const optOut = { contactMethodId: 'SMS9', optedOut: true, at: '' };
      const grow = async (userId: string): Promise<void> => {
        await page(userId, 1);
        for (let length = 0; length < EVENTS;) {
          await handleOf(userId).signal(RESPONDER.signals.optOut, optOut);
          // Waits for the signal's own task.
          await readWorkflow(handleOf(userId), RESPONDER.queries.openPages, []);
          length = (await handleOf(userId).describe()).historyLength;
        }
      };
      await Promise.all(people.map(grow));
    });
    world.onProject = () => undefined;
    const before = world.pages.length;
    const paged = await whileWorking(await workers(), async () => {
      const handles = await Promise.all(people.map((userId) => page(userId, 2)));
      await expect.poll(() => world.pages.length, { timeout: 60_000 }).toBe(before + PEOPLE);
      return handles;
    });
    const tasks = await Promise.all(
      paged.map(async ({ workflowId, signaledRunId }) => {
        const run = client.workflow.getHandle(workflowId, signaledRunId);
        return taskOf((await run.fetchHistory()).events ?? []);
      }),
    );
    expect(tasks.filter(({ timedOut }) => timedOut)).toEqual([]);
    // However fast the machine is: those that are read at the same time end at the same time.
    const whole =
      Math.max(...tasks.map(({ to }) => to)) - Math.min(...tasks.map(({ from }) => from));
    expect(Math.max(...tasks.map(({ from, to }) => to - from))).toBeLessThan(whole / 2);
  },
);

type Event = temporal.api.history.v1.IHistoryEvent;

/** The task in which the last page was taken: when it began and ended, milliseconds, and whether one before timed out. */
function taskOf(events: readonly Event[]) {
  const isPage = ({ workflowExecutionSignaledEventAttributes: signal }: Event) =>
    signal?.signalName === RESPONDER.signals.page;
  const later = events.slice(events.findLastIndex(isPage));
  const from = later.find((event) => event.workflowTaskStartedEventAttributes);
  const to = later.find((event) => event.workflowTaskCompletedEventAttributes);
  // A task that waits for a worker that is gone times out too, before anybody takes it.
  const timedOut = later.some(
    ({ workflowTaskTimedOutEventAttributes: event }) => event?.timeoutType === START_TO_CLOSE,
  );
  return { from: timeOf(from), to: timeOf(to), timedOut };
}

function timeOf(event: Event | undefined): number {
  const { seconds, nanos } = event?.eventTime ?? {};
  return Number(seconds) * 1000 + Number(nanos) / 1e6;
}
