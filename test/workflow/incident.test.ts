// The incident as a workflow, on the time-skipping server: pages at exact times, answers by signal and by
// update, merge and forwarding, the next incident on one key, and messages that come while no worker runs.
// Each test has a server of its own: that server never takes a workflow task back from the sticky queue of a
// worker that is gone, and its clock stands still while one waits there; and when a result comes while the clock
// is free, it runs on to the next timer, the ten years after which the server itself ends a workflow.
import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type {
  IncidentAction,
  IncidentInput,
  IncidentView,
  PageResult,
} from '../../domain/incident/types.ts';
import { INCIDENT, TASK_QUEUES } from '../../domain/messages.ts';
import { actOnIncident } from '../../temporal-config/act-on-incident.ts';
import { action, alertEvent, answer, settings } from '../support/incident-samples.ts';
import {
  bundle,
  defineAttributes,
  newWorld,
  quietRuntime,
  withWorkers,
  type World,
} from '../support/incident-worker.ts';
import { createTimeSkippingEnv } from '../support/temporal.ts';

vi.setConfig({ testTimeout: 30_000 });

let env: TestWorkflowEnvironment;
let code: WorkflowBundleWithSourceMap;
let count = 0;

beforeAll(async () => {
  quietRuntime();
  code = await bundle();
}, 120_000);

beforeEach(async () => {
  env = await createTimeSkippingEnv();
  await defineAttributes(env);
});
afterEach(() => env.teardown());

async function trigger(
  change: Parameters<typeof settings>[0] = {},
  incidentId?: string,
): Promise<Handle> {
  count += 1;
  const id = incidentId ?? `PTEST${count}`;
  const start: IncidentInput = { incidentId: id, settings: settings(change), manual: null };
  const receivedAt = new Date(await env.currentTimeMs()).toISOString();
  return env.client.workflow.signalWithStart(INCIDENT.workflow, {
    workflowId: `incident/ACC/SVC/${id}`,
    taskQueue: TASK_QUEUES.workflows,
    args: [start],
    signal: INCIDENT.signals.events,
    signalArgs: [[alertEvent({ eventId: `${id}-1`, dedupKey: id, receivedAt })]],
  });
}
type Handle = WorkflowHandle;

const view = (handle: Handle) => handle.query<IncidentView>(INCIDENT.queries.view);
const update = (handle: Handle, body: IncidentAction) =>
  handle.executeUpdate<IncidentView, [IncidentAction]>(INCIDENT.updates.act, { args: [body] });
const isCompleted = async (handle: Handle) => (await handle.describe()).status.name === 'COMPLETED';
const nowIso = async () => new Date(await env.currentTimeMs()).toISOString();
const act = async (handle: Handle, body: Parameters<typeof action>[0]) =>
  update(handle, action(body, '1', await nowIso()));
/** The first user's answer from a phone. */
const ack = async (handle: Handle) =>
  answer('acknowledge', '1', await nowIso(), handle.workflowId.split('/').at(-1));
const resolveNow = (handle: Handle) => act(handle, { type: 'resolve', resolution: null });

/** Minutes from the trigger to each page. */
const minutes = (world: World) => {
  const start = Date.parse(world.pages[0]?.view.createdAt ?? '');
  return world.pages.map((page) => Math.round((Date.parse(page.view.updatedAt) - start) / 60_000));
};

/** Waits for what the worker does by itself, without moving the incident's clock by minutes. */
async function until(done: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 1500; i++) {
    if (await done()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('it did not happen');
}

/** Waits for what takes seconds of the incident's clock. */
const untilSlept = (done: () => boolean) =>
  until(async () => {
    if (!done()) await env.sleep('1 second');
    return done();
  });

test('nobody answers: rules and loops at exact times, and the whole log is projected', async () => {
  const world = newWorld();
  await withWorkers(env, code, world, async () => {
    const handle = await trigger({ minutes: [5, 10], numLoops: 1 });
    await env.sleep('31 minutes');
    expect(minutes(world)).toEqual([0, 5, 15, 20]);
    const shown = await view(handle);
    expect(shown.escalation.timer).toEqual({ kind: 'none', reason: 'exhausted' });
    await resolveNow(handle);
    await handle.result();
    expect(world.stops.at(-1)?.command.userIds).toEqual(['U2']);
    const entries = world.batches.flatMap((batch) => batch.entries);
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1));
    expect(world.batches.at(-1)?.view?.status).toBe('resolved');
  });
});

test('an answer by signal stops the pages; the acknowledgement timeout pages again', async () => {
  const world = newWorld();
  await withWorkers(env, code, world, async () => {
    const handle = await trigger({ service: { acknowledgementTimeoutSec: 1800 } });
    await until(() => world.pages.length === 1);
    await handle.signal(INCIDENT.signals.answer, await ack(handle));
    await env.sleep('20 minutes');
    expect((await view(handle)).status).toBe('acknowledged');
    expect([world.pages.length, world.stops.length]).toEqual([1, 1]);
    await env.sleep('11 minutes');
    expect(world.pages.map(({ command }) => command.why)).toEqual(['trigger', 'unacknowledge']);
    await resolveNow(handle);
  });
});

test('a snooze pages again when over; the automatic resolve ends it', async () => {
  const world = newWorld();
  await withWorkers(env, code, world, async () => {
    const handle = await trigger({ minutes: [30], service: { autoResolveTimeoutSec: 7200 } });
    await until(() => world.pages.length === 1);
    const shown = await act(handle, { type: 'snooze', durationSec: 3600 });
    expect(shown.status).toBe('acknowledged');
    await env.sleep('61 minutes');
    expect(world.pages.map(({ command }) => command.why)).toEqual(['trigger', 'snooze_over']);
    await handle.result();
    expect(world.batches.at(-1)?.view?.status).toBe('resolved');
  });
});

test('the validator refuses with its type, and the incident is as before', async () => {
  await withWorkers(env, code, newWorld(), async () => {
    const handle = await trigger();
    const refused = act(handle, { type: 'snooze', durationSec: 0 });
    await expect(refused).rejects.toMatchObject({ cause: { type: 'InvalidAction' } });
    expect((await view(handle)).status).toBe('triggered');
    await resolveNow(handle);
  });
});

test('a trigger after the end is a new incident, at once even while the database is away', async () => {
  const world = newWorld();
  world.onProject = () => {
    throw new Error('read-only');
  };
  await withWorkers(env, code, world, async () => {
    const handle = await trigger();
    await until(() => world.pages.length === 1);
    const first = await resolveNow(handle);
    const latest = env.client.workflow.getHandle(handle.workflowId);
    const again = alertEvent({ eventId: 'again', dedupKey: 'k', receivedAt: await nowIso() });
    await latest.signal(INCIDENT.signals.events, [again, again]);
    await until(() => world.pages.length === 2);
    const second = await view(latest);
    expect(second.id).not.toBe(first.id);
    expect(second).toMatchObject({ status: 'triggered', alerts: [{ count: 1 }] });
    expect(second.runId).not.toBe(first.runId);
    const late = act(latest, { type: 'resolve', resolution: null, incidentId: first.id });
    await expect(late).rejects.toMatchObject({ cause: { type: 'AlreadyResolved' } });
    const lateAnswer = answer('resolve', '1', await nowIso(), first.id);
    await latest.signal(INCIDENT.signals.answer, lateAnswer);
    expect((await view(latest)).status).toBe('triggered');
    const old = alertEvent({ eventId: `${first.id}-1`, receivedAt: first.createdAt });
    await latest.signal(INCIDENT.signals.events, [old]);
    expect((await view(latest)).alerts).toMatchObject([{ count: 1 }]);
    world.onProject = () => undefined;
    await resolveNow(latest);
    await latest.result();
    const ids = new Set(world.batches.flatMap(({ entries }) => entries.map((e) => e.incidentId)));
    expect([...ids]).toEqual([first.id, second.id]);
  });
});

test('merge: the source ends, forwards what comes later, and completes with its target', async () => {
  const world = newWorld();
  await withWorkers(env, code, world, async () => {
    const [source, target] = [await trigger({}, 'PSOURCE'), await trigger({}, 'PTARGET')];
    const sources = [{ incidentId: 'PSOURCE', workflowId: source.workflowId }];
    await act(target, { type: 'merge', sources });
    await until(async () => (await view(target)).alertCounts.all === 2);
    expect((await view(source)).resolveReason?.incidentId).toBe('PTARGET');
    const ends = ['PSOURCE', 'PTARGET'].map((dedupKey) =>
      alertEvent({ eventId: `end-${dedupKey}`, dedupKey, action: 'resolve' }),
    );
    await source.signal(INCIDENT.signals.events, ends.slice(0, 1));
    await until(async () => (await view(target)).alertCounts.resolved === 1);
    await target.signal(INCIDENT.signals.events, ends.slice(1));
    await until(() => isCompleted(target));
    await until(() => isCompleted(source));
    expect(world.forwarded).toHaveLength(1);
  });
});

test('signals while no worker runs count: the answer comes before the first page, so nobody is paged', async () => {
  const world = newWorld();
  const handle = await trigger();
  await handle.signal(INCIDENT.signals.answer, await ack(handle));
  await withWorkers(env, code, world, async () => {
    expect((await view(handle)).status).toBe('acknowledged');
    expect(world.pages).toEqual([]);
    await resolveNow(handle);
    await handle.result();
  });
});

test('a page that fails is tried again', async () => {
  const world = newWorld();
  let fails = 2;
  world.answerPage = () => {
    if (fails-- > 0) throw new Error('no engine');
    return {};
  };
  await withWorkers(env, code, world, async () => {
    const handle = await trigger();
    await until(() => world.pages.length === 1);
    expect(fails).toBe(-1);
    await resolveNow(handle);
    await handle.result();
  });
});

test('a page that fails 8 times and is overtaken by an answer: whoever it may have reached is told to stop', async () => {
  const world = newWorld();
  let fails = 0;
  world.answerPage = () => {
    fails += 1;
    throw new Error('no engine');
  };
  await withWorkers(env, code, world, async () => {
    const handle = await trigger();
    // Past the tries of one local activity, so the workflow itself has taken the failure up.
    await untilSlept(() => fails >= 8);
    await handle.signal(INCIDENT.signals.answer, await ack(handle));
    await until(() => world.stops.length > 0);
    expect(world.pages).toEqual([]);
    expect(world.stops).toMatchObject([
      {
        command: {
          userIds: [],
          outcome: { status: 'acknowledged', by: { id: 'U1' } },
          mayHaveReached: { targets: [{ type: 'user', id: 'U1' }], sparing: [] },
        },
      },
    ]);
    await resolveNow(handle);
    await handle.result();
  });
});

test('whoever a page reaches while an answer overtakes it is told to stop after it, not before', async () => {
  const world = newWorld();
  const underWay = Promise.withResolvers<undefined>();
  const arrival = Promise.withResolvers<Partial<PageResult>>();
  let tries = 0;
  world.answerPage = () => {
    tries += 1;
    if (tries === 1) throw new Error('no engine');
    underWay.resolve(undefined);
    return arrival.promise;
  };
  await withWorkers(env, code, world, async () => {
    const handle = await trigger();
    await underWay.promise;
    await handle.signal(INCIDENT.signals.answer, await ack(handle));
    await until(async () => (await view(handle)).status === 'acknowledged');
    const before = [...world.stops];
    arrival.resolve({});
    await until(() => world.stops.length > 0);
    await resolveNow(handle);
    await handle.result();
    expect(before).toEqual([]);
    expect(world.stops).toMatchObject([{ command: { userIds: ['U1'] } }]);
  });
});

test('a page that reached some is told again to the others alone, until it is overtaken', async () => {
  const world = newWorld();
  world.answerPage = () =>
    world.pages.length < 2 ? { userIds: ['U1', 'U2'], unsignalled: ['U2'] } : {};
  await withWorkers(env, code, world, async () => {
    const handle = await trigger();
    await untilSlept(() => world.pages.length === 3);
    const asked = world.pages.map(({ command }) => command.targets.map(({ id }) => id));
    expect(asked).toEqual([['U1'], ['U2'], ['U2']]);
    expect(new Set(world.pages.map(({ command }) => command.commandId)).size).toBe(1);
    expect((await view(handle)).assignments).toMatchObject([{ userId: 'U1' }, { userId: 'U2' }]);
    await handle.signal(INCIDENT.signals.answer, await ack(handle));
    await until(() => world.stops.length === 1);
    expect(world.stops[0]?.command.userIds).toEqual(['U1', 'U2']);
    await resolveNow(handle);
    await handle.result();
  });
});

test('after five hundred events it goes on in a fresh history, long before the engine asks for one', async () => {
  const world = newWorld();
  await withWorkers(env, code, world, async () => {
    const handle = await trigger();
    const { workflowId } = handle;
    const open = env.client.workflow.getHandle(workflowId);
    const { runId } = await open.describe();
    let notes = 0;
    const say = async () => {
      notes += 1;
      const note = action({ type: 'note', content: `note ${notes}` }, '1', await nowIso());
      await actOnIncident(env.client, workflowId, note, 10_000);
      return (await open.describe()).runId !== runId;
    };
    for (let isFresh = false; !isFresh && notes < 150; isFresh = await say());
    const { events } = await env.client.workflow.getHandle(workflowId, runId).fetchHistory();
    expect(events?.length).toBeGreaterThanOrEqual(500);
    expect(events?.length).toBeLessThan(550);
    expect((await view(open)).notes).toHaveLength(notes);
    await resolveNow(open);
    await open.result();
    const told = world.batches.flatMap(({ entries }) => entries).map(({ seq }) => seq);
    expect([...new Set(told)].sort((a, b) => a - b)).toEqual(
      Array.from({ length: Math.max(...told) }, (_, index) => index + 1),
    );
    expect(world.batches.at(-1)?.view).toMatchObject({ status: 'resolved' });
  });
});
