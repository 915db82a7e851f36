// A workflow that is read while its worker is busy can be gone on with by the next worker (docs/adr/0010): what comes
// between a read's departure and its turn, a report of an activity and a signal, counts once and in its place.
import path from 'node:path';

import type { Client } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger, NativeConnection } from '@temporalio/worker';
import { pino } from 'pino';
import { beforeAll, expect, test } from 'vitest';

import { RESPONDER } from '../../domain/messages.ts';
import type { Delivery } from '../../domain/responder/types.ts';
import { connectTemporal } from '../../temporal-config/client.ts';
import { responderWorkflowId, TASK_QUEUES } from '../../temporal-config/names.ts';
import { readWorkflow } from '../../temporal-config/read-workflow.ts';
import { OwnTemporal } from '../support/own-temporal.ts';
import { outcome, ResponderActivities } from '../support/responder-worker.ts';
import { aPage } from '../support/responder-world.ts';
import { whileWorking } from '../support/temporal.ts';

const PEOPLE = Array.from({ length: 60 }, (_, n) => `U${n}`);
const ROUNDS = 3;
const BUSY_MS = 100;
/** The engine stands still so long, and goes on so long, in turn: as slow as on a machine under load, on any machine. */
const SLOW_MS = { still: 15, goesOn: 3 };

let temporal: OwnTemporal;
let connection: NativeConnection;
let client: Client;
beforeAll(async () => {
  temporal = await OwnTemporal.start();
  const own = connectTemporal(
    {
      ...{ TEMPORAL_ADDRESS: temporal.address, TEMPORAL_NAMESPACE: 'default' },
      ...{ TEMPORAL_TLS: false, TEMPORAL_API_KEY: undefined },
    },
    { logger: pino({ level: 'silent' }) },
  );
  client = own.client;
  connection = await NativeConnection.connect(own.nativeOptions);
  return async () => {
    await connection.close();
    await own.close();
    await temporal.close();
  };
});

test('people who were read while their worker was busy are paged by the next one', async () => {
  const world = new World();
  const common = { connection, activities: world.activities };
  const workflowBundle = await bundleWorkflowCode({
    workflowsPath: path.resolve('test/support/busy-workflows.ts'),
    logger: new DefaultLogger('ERROR'),
  });
  const workflows = {
    ...{ ...common, workflowBundle, taskQueue: TASK_QUEUES.workflows },
    // The production worker's.
    stickyQueueScheduleToStartTimeout: 1000,
  };
  const others = [
    { ...common, taskQueue: TASK_QUEUES.delivery },
    { ...common, taskQueue: TASK_QUEUES.projection },
  ];
  await whileWorking([workflows, ...others], async () => {
    const options = { workflowId: 'busy', taskQueue: TASK_QUEUES.workflows };
    const busy = await client.workflow.start('busy', { ...options, args: [BUSY_MS, 1000] });
    await whileSlow(() => Promise.all(PEOPLE.map((userId) => liveAndBeRead(world, userId))));
    await busy.terminate();
  });
  await whileWorking([workflows, ...others], async () => {
    const paged = PEOPLE.map((userId) => world.delivered(userId));
    await Promise.all(PEOPLE.map((userId) => page(userId, ROUNDS + 1)));
    const unpaged = await Promise.all(
      paged.map(async (one, n) => ((await within(20_000, one)) ? [] : [PEOPLE[n]])),
    );
    expect(unpaged.flat()).toEqual([]);
  });
}, 120_000);

/** Runs it on an engine that stands still most of the time, for moments. */
async function whileSlow(body: () => Promise<unknown>): Promise<void> {
  let isOver = false;
  const standStill = async (): Promise<void> => {
    while (!isOver) {
      temporal.hang();
      await pause(SLOW_MS.still);
      temporal.resume();
      await pause(SLOW_MS.goesOn);
    }
  };
  const slow = standStill();
  await body().finally(() => (isOver = true));
  await slow;
}

async function liveAndBeRead(world: World, userId: string): Promise<void> {
  const over = new AbortController();
  const reads = [1, 2].map(() => keepReading(userId, over.signal));
  await live(world, userId).finally(() => over.abort());
  await Promise.all(reads);
}

/** Asks again and again, as the delivery of pages and people who look do, until `over`. */
async function keepReading(userId: string, over: AbortSignal): Promise<void> {
  const handle = client.workflow.getHandle(responderWorkflowId('A', userId));
  while (!over.aborted) {
    await pause(Math.random() * 100);
    const read = () => readWorkflow(handle, RESPONDER.queries.openPages, []);
    await client.withDeadline(Date.now() + 1500, read).catch(() => undefined);
  }
}

/** Is paged, and the page stops some time after it arrived, several times. */
async function live(world: World, userId: string): Promise<void> {
  for (let round = 1; round <= ROUNDS; round += 1) {
    const delivered = world.delivered(userId);
    const handle = await page(userId, round);
    const arrive = await delivered;
    await pause(Math.random() * 1000);
    arrive();
    await pause(Math.random() * 500);
    await handle.signal(RESPONDER.signals.stop, {
      incidentId: `I${round}`,
      outcome: {
        ...{ status: 'acknowledged', by: { type: 'user', id: 'U', summary: 'U' } },
        at: new Date().toISOString(),
      },
    });
  }
}

const page = (userId: string, number: number) =>
  client.workflow.signalWithStart(RESPONDER.workflow, {
    workflowId: responderWorkflowId('A', userId),
    taskQueue: TASK_QUEUES.workflows,
    args: [{ accountId: 'A', userId }],
    signal: RESPONDER.signals.page,
    signalArgs: [aPage(number, Date.now())],
  });

/** Deliveries that arrive when they are told to. */
class World extends ResponderActivities {
  private readonly waiting = new Map<string, (arrive: () => void) => void>();

  override deliver = async ({ userId }: Delivery) => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.waiting.get(userId)?.(() => resolve(undefined));
    if (this.waiting.delete(userId)) await promise;
    return outcome('accepted');
  };

  /** Resolves when a page for this person is under way, with what lets it arrive. */
  delivered(userId: string): Promise<() => void> {
    return new Promise((resolve) => this.waiting.set(userId, resolve));
  }
}

async function within(ms: number, work: Promise<() => void>): Promise<boolean> {
  const arrive = await Promise.race([work, pause(ms)]);
  arrive?.();
  return arrive !== undefined;
}

const pause = (ms: number) => new Promise<undefined>((r) => setTimeout(r, ms, undefined));
