// Properties: when PostgreSQL is back and many workflows wait for their writes, a page that comes then does not wait until
// all of them have gone on; and each goes on to its end before the next begins.
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { CatchUp, isTakenIn } from '../../activities/catch-up.ts';
import { createProjectionActivities } from '../../activities/projection.ts';
import { openDatabase, type Database } from '../../db/database.ts';
import { seed } from '../../db/seed.ts';
import type { IncidentInput } from '../../domain/incident/types.ts';
import { INCIDENT } from '../../domain/messages.ts';
import { incidentWorkflowId, startOptions, TASK_QUEUES } from '../../temporal-config/names.ts';
import { PROJECTIONS_AT_ONCE, WORKFLOW_TASKS_AT_ONCE } from '../../worker/worker.ts';
import { alertEvent, settings } from '../support/incident-samples.ts';
import { fakeActivities, newWorld, quietRuntime } from '../support/incident-worker.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { devServer, whileWorking, workflowBundle, type DevServer } from '../support/temporal.ts';

const ACCOUNT = 'PDEMO000000000';
const WAITING = 200;
/** So many are written when the page comes due, and when it must have gone out; without turns all are by then. */
const BEGUN = 60;
const SOON = 120;

const logger = pino({ level: 'silent' });
const metrics = { projectionLag: { observe: () => undefined } };
let server: DevServer;
let urls: TestDatabase;
let database: Database;

beforeAll(async () => {
  quietRuntime();
  [server, urls] = await Promise.all([devServer(), createTestDatabase(), workflowBundle()]);
  database = openDatabase(urls.appUrl, { poolMax: 4, logger });
  await seed(database);
}, 60_000);
afterAll(async () => {
  await Promise.all([database.close(), server.close()]);
  await urls.drop();
});

test('a backlog of writes lets pages pass', { timeout: 60_000 }, async () => {
  // Many writes at once, so that writing is no bound.
  const { world, written, worker, projector } = await backlog('P', WAITING, 20);
  await whileWorking([worker, projector], async () => {
    await expect
      .poll(() => written.length, { interval: 5, timeout: 10_000 })
      .toBeGreaterThan(BEGUN);
    await trigger('P', WAITING);
    await expect.poll(() => world.pages.length, { interval: 5 }).toBe(WAITING + 1);
    expect(written.length).toBeLessThan(SOON);
    await expect.poll(() => written.length, { timeout: 30_000 }).toBeGreaterThan(WAITING);
  });
});

test('what has written goes on before what has not', { timeout: 60_000 }, async () => {
  const { written, worker, projector } = await backlog('Q', 60, PROJECTIONS_AT_ONCE);
  // Each has more to write than what it waits with.
  for (let n = 0; n < 60; n += 1) await trigger('Q', n, 'again');
  await whileWorking([worker, projector], async () => {
    await expect.poll(() => new Set(written).size, { timeout: 30_000 }).toBe(60);
  });
  // By then the last one has just begun; all others had a second write, which came soon after the first.
  const again = written.flatMap((id, at) => {
    const next = written.indexOf(id, at + 1);
    return next < 0 ? [] : [next - at];
  });
  expect(again.length).toBeGreaterThan(50);
  expect(Math.max(...again)).toBeLessThan(20);
});

/** So many incidents that have paged and not written, and what is to work on them, with nothing in its cache. */
async function backlog(prefix: string, waiting: number, writesAtOnce: number) {
  const { client, nativeConnection: connection, namespace } = server;
  const world = newWorld();
  // An hour from now, so that all of it has waited for long.
  const now = () => new Date(Date.now() + 3_600_000);
  const catchUp = new CatchUp(
    (told) => isTakenIn(client, told),
    () => performance.now(),
  );
  const projection = createProjectionActivities({ database, logger, metrics, now, catchUp });
  /** Ids of incidents, in the order in which they were written. */
  const written: string[] = [];
  const worker = {
    ...{ connection, namespace, activities: fakeActivities(world, client) },
    ...{ workflowBundle: await workflowBundle(), taskQueue: TASK_QUEUES.workflows },
    ...{ maxConcurrentWorkflowTaskExecutions: WORKFLOW_TASKS_AT_ONCE },
    stickyQueueScheduleToStartTimeout: '1 second' as const,
  };
  const projector = {
    ...{ connection, namespace, taskQueue: TASK_QUEUES.projection },
    maxConcurrentActivityTaskExecutions: writesAtOnce,
    activities: {
      project: (batch: Parameters<typeof projection.project>[0]) =>
        projection.project(batch).finally(() => written.push(batch.view?.id ?? '')),
    },
  };
  await whileWorking([worker], async () => {
    for (let n = 0; n < waiting; n += 1) await trigger(prefix, n);
    await expect.poll(() => world.pages.length, { timeout: 30_000 }).toBe(waiting);
  });
  return { world, written, worker, projector };
}

async function trigger(prefix: string, n: number, eventId = 'first'): Promise<void> {
  const incidentId = `${prefix}WAITING${n}`;
  const input: IncidentInput = {
    ...{ incidentId, manual: null },
    settings: { ...settings(), accountId: ACCOUNT },
  };
  await server.client.workflow.signalWithStart(INCIDENT.workflow, {
    workflowId: incidentWorkflowId(ACCOUNT, 'SVC', { integrationId: null, key: incidentId }),
    ...startOptions(ACCOUNT),
    ...{ args: [input], signal: INCIDENT.signals.events, signalArgs: [[alertEvent({ eventId })]] },
  });
}
