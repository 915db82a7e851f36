// Property: when PostgreSQL is back and many workflows wait for their writes, a page that comes then does not wait until
// all of them have gone on.
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { CatchUp, isTakenIn } from '../../activities/catch-up.ts';
import { createProjectionActivities } from '../../activities/projection.ts';
import { openDatabase, type Database } from '../../db/database.ts';
import { seed } from '../../db/seed.ts';
import type { IncidentInput } from '../../domain/incident/types.ts';
import { INCIDENT } from '../../domain/messages.ts';
import { incidentWorkflowId, startOptions, TASK_QUEUES } from '../../temporal-config/names.ts';
import { WORKFLOW_TASKS_AT_ONCE } from '../../worker/worker.ts';
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
  const { client, nativeConnection: connection, namespace } = server;
  const world = newWorld();
  // An hour from now, so that all of it has waited for long.
  const now = () => new Date(Date.now() + 3_600_000);
  const catchUp = new CatchUp(
    (told) => isTakenIn(client, told),
    () => performance.now(),
  );
  const projection = createProjectionActivities({ database, logger, metrics, now, catchUp });
  let written = 0;
  const pager = async () => ({
    ...{ connection, namespace, activities: fakeActivities(world, client) },
    ...{ workflowBundle: await workflowBundle(), taskQueue: TASK_QUEUES.workflows },
    ...{ maxConcurrentWorkflowTaskExecutions: WORKFLOW_TASKS_AT_ONCE },
    stickyQueueScheduleToStartTimeout: '1 second' as const,
  });
  const projector = {
    ...{ connection, namespace, taskQueue: TASK_QUEUES.projection },
    // Many, so that writing is no bound.
    maxConcurrentActivityTaskExecutions: 20,
    activities: {
      project: (batch: Parameters<typeof projection.project>[0]) =>
        projection.project(batch).finally(() => (written += 1)),
    },
  };
  await whileWorking([await pager()], async () => {
    for (let n = 0; n < WAITING; n += 1) await trigger(n);
    await expect.poll(() => world.pages.length, { timeout: 30_000 }).toBe(WAITING);
  });
  // A worker of which nothing is in the cache.
  await whileWorking([await pager(), projector], async () => {
    await expect.poll(() => written, { interval: 5, timeout: 10_000 }).toBeGreaterThan(BEGUN);
    await trigger(WAITING);
    await expect.poll(() => world.pages.length, { interval: 5 }).toBe(WAITING + 1);
    expect(written).toBeLessThan(SOON);
    await expect.poll(() => written, { timeout: 30_000 }).toBeGreaterThan(WAITING);
  });
});

async function trigger(n: number): Promise<void> {
  const incidentId = `PWAITING${n}`;
  const input: IncidentInput = {
    ...{ incidentId, manual: null },
    settings: { ...settings(), accountId: ACCOUNT },
  };
  await server.client.workflow.signalWithStart(INCIDENT.workflow, {
    workflowId: incidentWorkflowId(ACCOUNT, 'SVC', { integrationId: null, key: incidentId }),
    ...startOptions(ACCOUNT),
    ...{ args: [input], signal: INCIDENT.signals.events, signalArgs: [[alertEvent()]] },
  });
}
