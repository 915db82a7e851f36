// A page is one signal to each person's workflow, which it starts where none runs; every message may be sent
// twice, says when its receiver is over, and gives up in time when Temporal does not answer.
import type { Client } from '@temporalio/client';
import { ApplicationFailure, defaultPayloadConverter } from '@temporalio/common';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { DirectoryMaps } from '../db/directory-maps.ts';
import type { Directory } from '../domain/directory.ts';
import type { IncidentInput, IncidentView, PageResult } from '../domain/incident/types.ts';
import { ACTION_REFUSED, INCIDENT } from '../domain/messages.ts';
import type { AccountConfig, User } from '../domain/model.ts';
import type { Page } from '../domain/responder/types.ts';
import { connectTemporal } from '../temporal-config/client.ts';
import { responderWorkflowId, TASK_QUEUES } from '../temporal-config/names.ts';
import { action, alertEvent, answer, settings, T0 } from '../test/support/incident-samples.ts';
import {
  devServer,
  whileWorking,
  workflowBundle,
  type DevServer,
} from '../test/support/temporal.ts';
import type { PageRequest, PagingActivities } from './contract.ts';
import { createMessagingActivities } from './messaging.ts';
import { createPagingActivities } from './paging.ts';

const logger = pino({ level: 'silent' });
let server: DevServer;
beforeAll(async () => {
  server = await devServer();
});
afterAll(() => server.close());

const person = (id: string): User => ({
  id,
  name: id,
  email: `${id}@example.com`,
  timeZone: 'Etc/UTC',
  role: 'user',
  jobTitle: null,
  description: null,
  teamIds: [],
  contactMethods: [
    {
      ...{ id: `M${id}`, userId: id, channel: 'sms', label: 'Mobile', address: '+15005550101' },
      ...{ verifiedAt: T0, optedOutAt: null, secret: null },
    },
  ],
  notificationRules: [],
});

function directory(): Directory {
  const { policy, service } = settings();
  const config: AccountConfig = {
    account: {
      ...{ id: 'ACC', subdomain: 'acme', name: 'Acme', timeZone: 'Etc/UTC' },
      ...{ catchAllUserId: null, ownerUserId: 'U1', requireReplyCodes: false },
    },
    users: [person('U1'), person('U2')],
    ...{ teams: [], schedules: [], integrations: [], apiKeys: [], version: 1 },
    policies: [policy],
    services: [
      {
        ...service,
        ...{ description: null, status: 'active', escalationPolicyId: policy.id },
        ...{ teamIds: [], createdAt: T0 },
      },
    ],
  };
  const maps = new DirectoryMaps();
  maps.put(config);
  return {
    account: (id) => maps.get(id),
    accounts: () => maps.all(),
    integrationByKeyHash: maps.integrationByKeyHash,
    apiKeyByHash: maps.apiKeyByHash,
    contactMethodsByAddress: maps.contactMethodsByAddress,
    ageMs: () => 0,
  };
}

const paging = (client = server.client) =>
  createPagingActivities({ directory: directory(), client, logger });
const messaging = () => createMessagingActivities({ client: server.client });

/** An incident of its own for each test, on a worker that pages for real and projects nothing. */
async function whileIncidentRuns(
  id: string,
  body: (view: IncidentView) => Promise<void>,
  other: Partial<PagingActivities> = {},
): Promise<void> {
  const activities = {
    ...paging(),
    ...messaging(),
    project: () => Promise.resolve(),
    ...other,
  };
  const common = {
    connection: server.nativeConnection,
    namespace: server.namespace,
    activities,
    stickyQueueScheduleToStartTimeout: '1s',
  } as const;
  const bundle = await workflowBundle();
  await whileWorking(
    [
      { ...common, taskQueue: TASK_QUEUES.workflows, workflowBundle: bundle },
      { ...common, taskQueue: TASK_QUEUES.projection },
    ],
    async () => {
      const input: IncidentInput = { incidentId: id, settings: settings(), manual: null };
      const handle = await server.client.workflow.signalWithStart(INCIDENT.workflow, {
        workflowId: `incident/${id}`,
        taskQueue: TASK_QUEUES.workflows,
        args: [input],
        signal: INCIDENT.signals.events,
        signalArgs: [[alertEvent()]],
      });
      await body(await handle.query<IncidentView>(INCIDENT.queries.view));
    },
  );
}

async function pagesOf(userId: string): Promise<readonly Page[]> {
  const { events } = await server.client.workflow
    .getHandle(responderWorkflowId('ACC', userId))
    .fetchHistory();
  return (events ?? []).flatMap((event) => {
    const payload = event.workflowExecutionSignaledEventAttributes?.input?.payloads?.[0];
    return payload ? [defaultPayloadConverter.fromPayload<Page>(payload)] : [];
  });
}

describe('messages to an incident', () => {
  it('say that nobody is there', async () => {
    const to = messaging();
    const gone = { incidentId: 'PX', workflowId: 'incident/none' };
    const report = { incidentId: 'PX', userId: 'U1', pageId: 'p', at: T0, reason: 'x' };
    expect(await to.signalAnswer(gone.workflowId, answer('acknowledge'))).toBe(false);
    expect(await to.signalUnreachable(gone.workflowId, report)).toBe(false);
    expect(await to.forwardEvents(gone, [alertEvent()])).toBe(false);
    expect(await to.signalRelease(gone)).toBe(false);
    const merge = action({ type: 'merge_into', target: gone });
    await expect(messaging().mergeSource(gone, merge)).rejects.toMatchObject({
      type: 'NotFound',
      nonRetryable: true,
    });
  });

  it('merge a source once, and find the same answer again', async () => {
    const target = { incidentId: 'PTARGET', workflowId: 'incident/PTARGET' };
    await whileIncidentRuns('PSOURCE', async () => {
      const source = { incidentId: 'PSOURCE', workflowId: 'incident/PSOURCE' };
      const merge = action({ type: 'merge_into', target });
      const first = await messaging().mergeSource(source, merge);
      expect(first).toMatchObject({ id: 'PSOURCE', status: 'triggered' });
      expect(await messaging().mergeSource(source, merge)).toEqual(first);
    });
  });

  it('bring a refusal back as final', async () => {
    await whileIncidentRuns('PRESOLVED', async () => {
      const source = { incidentId: 'PRESOLVED', workflowId: 'incident/PRESOLVED' };
      const self = action({ type: 'merge_into', target: source });
      await expect(messaging().mergeSource(source, self)).rejects.toMatchObject({
        type: ACTION_REFUSED.invalid,
        nonRetryable: true,
      });
    });
  });
});

describe('paging', () => {
  async function request(incidentId: string): Promise<PageRequest> {
    let view: IncidentView | undefined;
    await whileIncidentRuns(incidentId, (found) => {
      view = found;
      return Promise.resolve();
    });
    if (!view) throw new Error('no view');
    return {
      command: {
        type: 'page',
        commandId: 'c9',
        targets: [
          { type: 'user', id: 'U1' },
          { type: 'user', id: 'U2' },
        ],
        ruleIndex: 0,
        notAfter: '2030-01-01T00:00:00.000Z',
        why: 'trigger',
      },
      settings: settings(),
      view,
      traceparent: null,
    };
  }

  it(
    'signals each person’s workflow, with one page id however often it is tried',
    { timeout: 30_000 },
    async () => {
      const asked = await request('PPAGED');
      for (const attempt of [1, 2]) {
        expect(await paging().page(asked), `attempt ${attempt}`).toMatchObject({
          commandId: 'c9',
          userIds: ['U1', 'U2'],
          via: 'policy',
          empty: [],
        });
      }
      for (const userId of ['U1', 'U2']) {
        // The engine keeps signals back while a workflow task is in flight, for the 10 s of its timeout at most.
        const read = async () =>
          (await pagesOf(userId)).filter(({ pageId }) => pageId === 'PPAGED/c9');
        await expect.poll(async () => (await read()).length, { timeout: 20_000 }).toBe(2);
        const pages = await read();
        expect(pages[0]).toMatchObject({
          incidentId: 'PPAGED',
          serviceName: 'Checkout',
          steps: [{ contactMethodId: `M${userId}`, channel: 'sms', delaySec: 0 }],
        });
        expect(JSON.stringify(pages)).not.toContain('+15005550101');
      }
    },
  );

  it(
    'sends nothing in a try that stood still until another was made',
    { timeout: 30_000 },
    async () => {
      let tries = 0;
      let endOther = (): void => undefined;
      const other = new Promise<void>((resolve) => (endOther = resolve));
      let late: Promise<unknown> = Promise.resolve('never begun');
      const page = async (asked: PageRequest): Promise<PageResult> => {
        tries += 1;
        // The first is a local activity; the second is in the hands of the engine, which gives it 3 s.
        if (tries === 1) throw new Error('away');
        if (tries === 2) {
          const stoodStill = other.then(() => paging().page(asked));
          late = stoodStill.catch((error: unknown) => error);
          return stoodStill;
        }
        const result = await paging().page(asked);
        endOther();
        return result;
      };
      await whileIncidentRuns(
        'PFROZEN',
        async () => {
          await other;
          expect(await late).toMatchObject({ type: 'TryOver' });
        },
        { page },
      );
      const pages = (await pagesOf('U1')).filter(({ incidentId }) => incidentId === 'PFROZEN');
      expect([tries, pages.length]).toEqual([3, 1]);
    },
  );

  it('names those whose workflow did not take the page, and stops whom a given-up page may have reached', async () => {
    const asked = await request('PPARTLY');
    const started: string[] = [];
    const workflow: unknown = Object.create(server.client.workflow, {
      signalWithStart: {
        value: (_name: string, { workflowId }: { workflowId: string }) => {
          started.push(workflowId);
          return workflowId.endsWith('U2') ? Promise.reject(new Error('away')) : Promise.resolve();
        },
      },
      getHandle: {
        value: (workflowId: string) => ({
          signal: (name: string) => {
            started.push(`${name} ${workflowId}`);
            return Promise.resolve();
          },
        }),
      },
    });
    const client = Object.create(server.client, { workflow: { value: workflow } }) as Client;
    const { command } = asked;
    const result = await paging(client).page(asked);
    expect(result).toMatchObject({ userIds: ['U1', 'U2'], unsignalled: ['U2'] });
    expect(started).toHaveLength(2);
    const { targets } = command;
    const outcome = { status: 'resolved', by: answer('resolve').agent, at: T0 } as const;
    const mayHaveReached = { targets, urgency: 'high', sparing: ['U1'] } as const;
    await paging(client).stopPages({
      accountId: 'ACC',
      incidentId: 'PPARTLY',
      command: { type: 'stop', commandId: 'c1', userIds: [], outcome, mayHaveReached },
    });
    expect(started.slice(2)).toEqual([`stop ${responderWorkflowId('ACC', 'U2')}`]);
  });

  it('has nothing to stop where no workflow runs', async () => {
    const outcome = { status: 'resolved', by: answer('resolve').agent, at: T0 } as const;
    const command = { type: 'stop', commandId: 'c1', userIds: ['NOBODY'], outcome } as const;
    await paging().stopPages({ accountId: 'ACC', incidentId: 'P1', command });
  });

  it('waits for an account that is not loaded yet, and gives up on a service that is gone', async () => {
    const from = paging();
    expect(await from.loadSettings('ACC', 'SVC')).toMatchObject({ service: { id: 'SVC' } });
    const missing = await from.loadSettings('OTHER', 'SVC').catch((error: unknown) => error);
    expect(missing).toBeInstanceOf(ApplicationFailure);
    expect(missing).toMatchObject({ nonRetryable: false });
    await expect(from.loadSettings('ACC', 'NONE')).rejects.toMatchObject({ nonRetryable: true });
  });

  it('gives up within seconds when Temporal does not answer', async () => {
    const asked = await request('PGONE');
    const gone = connectTemporal(
      {
        TEMPORAL_ADDRESS: '127.0.0.1:1',
        TEMPORAL_NAMESPACE: 'default',
        TEMPORAL_TLS: false,
        TEMPORAL_API_KEY: undefined,
      },
      { logger },
    );
    const startedAt = performance.now();
    await expect(paging(gone.client).page(asked)).rejects.toThrow();
    expect(performance.now() - startedAt).toBeLessThan(4000);
    await gone.close();
  });
});
