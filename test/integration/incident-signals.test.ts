// Property: what is signalled to an incident counts in its order, whatever its kind, though no worker ran; and an
// answer stops everybody's pages at once, though another page of the incident keeps failing. On a real server.
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { IncidentAction, IncidentInput, IncidentView } from '../../domain/incident/types.ts';
import { INCIDENT, TASK_QUEUES } from '../../domain/messages.ts';
import { action, alertEvent, answer, rule, settings, user } from '../support/incident-samples.ts';
import {
  bundle,
  newWorld,
  quietRuntime,
  withWorkers,
  type World,
} from '../support/incident-worker.ts';
import { devServer, type DevServer } from '../support/temporal.ts';
import { until } from '../support/until.ts';

let server: DevServer;
let code: WorkflowBundleWithSourceMap;
let world: World;
let count = 0;

beforeAll(async () => {
  quietRuntime();
  [server, code] = await Promise.all([devServer(), bundle()]);
});
afterAll(() => server.close());
beforeEach(() => {
  world = newWorld();
});

const now = () => new Date().toISOString();
const event = (id: string, kind: 'trigger' | 'resolve' = 'trigger') =>
  alertEvent({ eventId: id, action: kind, receivedAt: now() });

async function trigger(incidentId: string) {
  const policy = {
    ...settings().policy,
    rules: [rule('1', 5, [user('1'), user('3')]), rule('2', 5)],
  };
  const start: IncidentInput = {
    incidentId,
    settings: { ...settings(), policy },
    manual: null,
  };
  await server.client.workflow.signalWithStart(INCIDENT.workflow, {
    workflowId: `incident/${incidentId}`,
    taskQueue: TASK_QUEUES.workflows,
    args: [start],
    signal: INCIDENT.signals.events,
    signalArgs: [[event(`${incidentId}-1`)]],
  });
  // Without a run id: whichever run is the last.
  return server.client.workflow.getHandle(`incident/${incidentId}`);
}
type Handle = Awaited<ReturnType<typeof trigger>>;

const view = (handle: Handle) => handle.query<IncidentView>(INCIDENT.queries.view);
const act = (handle: Handle, body: Parameters<typeof action>[0]) =>
  handle.executeUpdate<IncidentView, [IncidentAction]>(INCIDENT.updates.act, {
    args: [action(body, '1', now())],
  });
const signalAnswer = (handle: Handle, incidentId: string, what: 'acknowledge' | 'resolve') =>
  handle.signal(INCIDENT.signals.answer, answer(what, '1', now(), incidentId));
const signalEvents = (handle: Handle, ...events: ReturnType<typeof event>[]) =>
  handle.signal(INCIDENT.signals.events, events);
const working = <T>(body: () => Promise<T>) => withWorkers(server, code, world, body);
/** The log of one incident, by type. */
const logOf = (incidentId: string) =>
  world.batches
    .flatMap(({ entries }) => entries)
    .filter((entry) => entry.incidentId === incidentId)
    .map(({ type }) => type.replace('_log_entry', ''));

describe('signals of several kinds while no worker runs', () => {
  let id = '';
  beforeEach(() => {
    id = `PORDER${(count += 1)}`;
  });

  test('an answer that resolves, and then a trigger: that one opens the next incident', async () => {
    const handle = await trigger(id);
    await signalAnswer(handle, id, 'resolve');
    await signalEvents(handle, event(`${id}-2`));
    await working(async () => {
      await until(() => world.pages.length > 0);
      expect(await view(handle)).toMatchObject({ status: 'triggered', alerts: [{ count: 1 }] });
      expect((await view(handle)).id).not.toBe(id);
      await act(handle, { type: 'resolve', resolution: null });
      await handle.result();
    });
    expect(logOf(id)).toEqual(['trigger', 'resolve']);
  });

  test('trigger, answer, resolve, trigger: the answer is in the log of the first', async () => {
    const handle = await trigger(id);
    await signalAnswer(handle, id, 'acknowledge');
    await signalEvents(handle, event(`${id}-2`, 'resolve'));
    await signalEvents(handle, event(`${id}-3`));
    await working(async () => {
      await until(() => world.pages.length > 0);
      await act(handle, { type: 'resolve', resolution: null });
      await handle.result();
    });
    expect(logOf(id)).toEqual(['trigger', 'acknowledge', 'resolve']);
  });

  test('the same when the worker stops in the middle of an incident', async () => {
    const handle = await working(async () => {
      const started = await trigger(id);
      await until(() => world.pages.length === 1);
      return started;
    });
    await signalAnswer(handle, id, 'acknowledge');
    await signalEvents(handle, event(`${id}-2`, 'resolve'));
    await signalEvents(handle, event(`${id}-3`));
    await working(async () => {
      await until(() => world.pages.length === 2);
      expect((await view(handle)).id).not.toBe(id);
      await act(handle, { type: 'resolve', resolution: null });
      await handle.result();
    });
    expect(logOf(id).filter((type) => type !== 'assign' && type !== 'notify')).toEqual([
      'trigger',
      'acknowledge',
      'resolve',
    ]);
  });
});

describe('an answer while a page keeps failing', () => {
  const failing = () => {
    throw new Error('no engine');
  };

  test.each([
    ['the next step', { type: 'escalate', ruleIndex: null } as const],
    [
      'asking for responders',
      { type: 'request_responders', requesterId: 'U1', message: '', targets: [user('9')] } as const,
    ],
  ])('%s fails: the others whom the first page reached are stopped at once', async (_, step) => {
    const id = `PSTOP${(count += 1)}`;
    await working(async () => {
      const handle = await trigger(id);
      await until(() => world.pages.length === 1);
      let fails = 0;
      world.answerPage = () => {
        fails += 1;
        return failing();
      };
      const acted = act(handle, step);
      await until(() => fails >= 2);
      await signalAnswer(handle, id, 'acknowledge');
      const answeredMs = Date.now();
      await until(() => world.stops.some(({ command }) => command.userIds.includes('U3')));
      expect(Date.now() - answeredMs).toBeLessThan(1000);
      world.answerPage = () => ({});
      await acted;
      await act(handle, { type: 'resolve', resolution: null });
      await handle.result();
    });
  });
});
