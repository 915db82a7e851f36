// Who is on call and when a page was sent go by the engine's clock, however wrong the one of the worker's machine is; a
// try that stood still until nobody waited for it any more pages nobody.
import { MockActivityEnvironment } from '@temporalio/testing';
import type { Client } from '@temporalio/client';
import { pino } from 'pino';
import { expect, test } from 'vitest';

import type { IncidentView, PageResult } from '../domain/incident/types.ts';
import type { AccountConfig, User } from '../domain/model.ts';
import type { Page } from '../domain/responder/types.ts';
import { answer, settings, T0 } from '../test/support/incident-samples.ts';
import { memoryDirectory, sampleAccount } from '../test/support/memory-directory.ts';
import type { PageRequest } from './contract.ts';
import { createPagingActivities } from './paging.ts';

const HOUR = 3_600_000;
const HANDOFF = '2026-03-01T12:00:00.000Z';
const targets = [{ type: 'schedule', id: 'L' }] as const;

const person = (id: string): User => ({
  ...{ id, name: id, email: `${id}@example.com`, timeZone: 'Etc/UTC', role: 'user', teamIds: [] },
  ...{ jobTitle: null, description: null, notificationRules: [] },
  contactMethods: [
    {
      ...{ id: `M${id}`, userId: id, channel: 'push', label: 'Phone', address: id },
      ...{ verifiedAt: T0, optedOutAt: null, secret: null },
    },
  ],
});

/** U1 has duty until the handoff at noon, U2 from then on. */
const account: AccountConfig = {
  ...sampleAccount(),
  users: [person('U1'), person('U2')],
  schedules: [
    {
      ...{ id: 'L', name: 'L', description: null, timeZone: 'Etc/UTC', overrides: [], teamIds: [] },
      layers: [
        {
          ...{ id: 'L1', name: 'L1', start: '2026-02-28T12:00:00.000Z', end: null },
          rotationVirtualStart: '2026-02-28T12:00:00.000Z',
          ...{ rotationTurnLengthSeconds: 86_400, userIds: ['U1', 'U2'], restrictions: [] },
        },
      ],
    },
  ],
};

/** Pages on a machine whose clock is wrong by so much; tells what the people's workflows were sent. */
function wrongBy(
  offMs: number,
  info: { isLocal: boolean; currentAttemptScheduledTimestampMs?: number },
  engineSays: () => Promise<unknown> = () => Promise.resolve(),
) {
  const nowMs = Date.parse(HANDOFF) + offMs;
  const sent: { to: string; page: Page }[] = [];
  const stopped: string[] = [];
  const workflow = {
    signalWithStart: (_name: string, options: { workflowId: string; signalArgs: [Page] }) => {
      sent.push({ to: options.workflowId, page: options.signalArgs[0] });
      return Promise.resolve();
    },
    getHandle: (workflowId: string) => ({
      signal: () => Promise.resolve(stopped.push(workflowId)),
    }),
  };
  const workflowService = { recordActivityTaskHeartbeat: engineSays };
  const withDeadline = (_at: number, work: () => Promise<unknown>) => work();
  const activities = createPagingActivities({
    directory: memoryDirectory([account]),
    client: { workflow, withDeadline, workflowService } as unknown as Client,
    logger: pino({ level: 'silent' }),
    now: () => new Date(nowMs),
  });
  const environment = new MockActivityEnvironment({
    ...{ startToCloseTimeoutMs: 3000, currentAttemptScheduledTimestampMs: nowMs },
    ...info,
  });
  return { activities, environment, sent, stopped };
}

const request = (at?: string): PageRequest => ({
  command: {
    ...{ type: 'page', commandId: '1', targets, ruleIndex: 0, why: 'trigger' },
    notAfter: '2026-03-01T13:00:00.000Z',
  },
  settings: settings(),
  view: { id: 'P1', accountId: account.account.id, urgency: 'high' } as IncidentView,
  traceparent: null,
  ...(at !== undefined && { at }),
});

test.each([
  ['before the handoff', '2026-03-01T11:59:00.000Z', 'U1'],
  ['after the handoff', '2026-03-01T12:01:00.000Z', 'U2'],
])('the first try, %s', async (_name, at, onCall) => {
  for (const offMs of [6 * HOUR, -6 * HOUR, 30 * HOUR]) {
    const { activities, environment, sent } = wrongBy(offMs, { isLocal: true });
    const page = (asked: PageRequest) => activities.page(asked);
    const result = await environment.run<[PageRequest], PageResult, typeof page>(page, request(at));
    expect(result).toMatchObject({ at, userIds: [onCall] });
    expect(sent).toMatchObject([{ to: `responder/PACCOUNT/${onCall}`, page: { pagedAt: at } }]);
  }
});

test('a try that the engine hands out later goes by the time at which it does', async () => {
  const later = '2026-03-01T12:20:00.000Z';
  const { activities, environment, sent } = wrongBy(-6 * HOUR, {
    isLocal: false,
    currentAttemptScheduledTimestampMs: Date.parse(later),
  });
  const page = (asked: PageRequest) => activities.page(asked);
  await environment.run<[PageRequest], PageResult, typeof page>(
    page,
    request('2026-03-01T11:59:00.000Z'),
  );
  expect(sent).toMatchObject([{ to: 'responder/PACCOUNT/U2', page: { pagedAt: later } }]);
});

const grpc = (code: number) => (): Promise<never> =>
  Promise.reject(Object.assign(new Error('grpc'), { code, details: '', metadata: {} }));

test.each([
  ['a local one', { isLocal: true, waitedMs: 3000 }, grpc(14), []],
  ['a local one that is in time', { isLocal: true, waitedMs: 2900 }, grpc(5), ['U2']],
  ['one that the engine has given up', { isLocal: false, waitedMs: 40_000 }, grpc(5), []],
  ['one on a machine whose clock is behind', { isLocal: false, waitedMs: -HOUR }, grpc(5), []],
  ['one whose engine does not answer', { isLocal: false, waitedMs: 40_000 }, grpc(14), ['U2']],
  ['one that is in time', { isLocal: false, waitedMs: 900 }, grpc(5), ['U2']],
])('a try whose time may be over: %s', async (_name, { isLocal, waitedMs }, engineSays, paged) => {
  const currentAttemptScheduledTimestampMs = Date.parse(HANDOFF) + 5000;
  const { activities, environment, sent } = wrongBy(
    5000 + waitedMs,
    { isLocal, currentAttemptScheduledTimestampMs },
    engineSays,
  );
  const page = (asked: PageRequest) => activities.page(asked);
  const at = new Date(currentAttemptScheduledTimestampMs).toISOString();
  const result = environment.run<[PageRequest], PageResult, typeof page>(page, request(at));
  if (paged.length > 0) await result;
  else await expect(result).rejects.toMatchObject({ type: 'TryOver', nonRetryable: false });
  expect(sent.map(({ to }) => to)).toEqual(paged.map((id) => `responder/PACCOUNT/${id}`));
});

test('whom a given-up page may have reached is looked for at the engine’s time', async () => {
  const { activities, environment, stopped } = wrongBy(6 * HOUR, { isLocal: true });
  const by = answer('resolve').agent;
  const stop = () =>
    activities.stopPages({
      ...{ accountId: account.account.id, incidentId: 'P1', at: '2026-03-01T11:59:00.000Z' },
      command: {
        ...{ type: 'stop', commandId: '2', userIds: [] },
        outcome: { status: 'resolved', by, at: T0 },
        mayHaveReached: { targets, urgency: 'high', sparing: [] },
      },
    });
  await environment.run(stop);
  expect(stopped).toEqual(['responder/PACCOUNT/U1']);
});

test('what a workflow of before asks for goes by the machine’s clock', async () => {
  const { activities, environment, sent } = wrongBy(0, { isLocal: true });
  const page = (asked: PageRequest) => activities.page(asked);
  await environment.run<[PageRequest], PageResult, typeof page>(page, request());
  expect(sent).toMatchObject([{ page: { pagedAt: HANDOFF } }]);
});
