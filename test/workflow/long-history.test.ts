// Property: an incident and a responder whose history grows to the server's bound go on in fresh histories, and
// nothing is lost on the way: every event counted once, every log entry written, timers, codes, memory and what
// was still being tried carried along. On a server that suggests a fresh history after very few events.
import type { WorkflowHandle } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { IncidentView, LogEntry } from '../../domain/incident/types.ts';
import { INCIDENT, RESPONDER, TASK_QUEUES } from '../../domain/messages.ts';
import type { ResponderState } from '../../domain/responder/types.ts';
import { actOnIncident } from '../../temporal-config/act-on-incident.ts';
import { responderWorkflowId } from '../../temporal-config/names.ts';
import { action, alertEvent, settings } from '../support/incident-samples.ts';
import {
  bundle,
  defineAttributes,
  newWorld,
  quietRuntime,
  withWorkers,
} from '../support/incident-worker.ts';
import { outcome, ResponderActivities } from '../support/responder-worker.ts';
import { aPage, aReply } from '../support/responder-world.ts';
import { temporalCliPath } from '../support/test-server.ts';
import { until } from '../support/until.ts';

/** Events after which the server suggests a fresh history; 4,096 by default. */
const SUGGESTED = 100;

let env: TestWorkflowEnvironment;
let code: WorkflowBundleWithSourceMap;

beforeAll(async () => {
  quietRuntime();
  const path = await temporalCliPath();
  const extraArgs = [
    '--dynamic-config-value',
    `limit.historyCount.suggestContinueAsNew=${SUGGESTED}`,
  ];
  [env, code] = await Promise.all([
    TestWorkflowEnvironment.createLocal({
      server: { executable: { type: 'existing-path', path }, extraArgs },
    }),
    bundle(),
  ]);
  await defineAttributes(env);
});
afterAll(() => env.teardown());

const now = () => new Date().toISOString();

/** Every run of a workflow id, the last first, with the length of its history. */
async function runsOf(handle: WorkflowHandle): Promise<readonly number[]> {
  return (await historiesOf(handle)).map(({ length }) => length);
}

type Event = temporal.api.history.v1.IHistoryEvent;

async function historiesOf(handle: WorkflowHandle): Promise<readonly (readonly Event[])[]> {
  const histories: (readonly Event[])[] = [];
  for (let runId = (await handle.describe()).runId; runId !== '';) {
    const { events } = await env.client.workflow.getHandle(handle.workflowId, runId).fetchHistory();
    histories.push(events ?? []);
    runId = events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId ?? '';
  }
  return histories;
}

/** How many tasks that began with so many events or more sent something. */
function tasksThatSend(events: readonly Event[], from: number): number {
  const sending = events.flatMap(({ activityTaskScheduledEventAttributes: activity }) =>
    activity?.activityType?.name === 'deliver'
      ? [Number(activity.workflowTaskCompletedEventId)]
      : [],
  );
  const startedAt = (id: number): number =>
    Number(events[id - 1]?.workflowTaskCompletedEventAttributes?.startedEventId);
  return [...new Set(sending)].filter((id) => startedAt(id) >= from).length;
}

function expectWhole(entries: readonly LogEntry[]): void {
  const seqs = new Set(entries.map(({ seq }) => seq));
  expect([...seqs].sort((a, b) => a - b)).toEqual([...seqs].map((_, index) => index + 1));
  expect(new Set(entries.map(({ id }) => id)).size).toBe(seqs.size);
}

test('an incident', { timeout: 60_000 }, async () => {
  const world = newWorld();
  const [EVENTS, NOTES] = [60, 40];
  const event = (id: number) => alertEvent({ eventId: `E${id}`, dedupKey: 'k', receivedAt: now() });
  await withWorkers(env, code, world, async () => {
    await env.client.workflow.signalWithStart(INCIDENT.workflow, {
      workflowId: 'incident/LONG',
      taskQueue: TASK_QUEUES.workflows,
      args: [{ incidentId: 'PLONG', settings: settings(), manual: null }],
      signal: INCIDENT.signals.events,
      signalArgs: [[event(0)]],
    });
    const handle = env.client.workflow.getHandle('incident/LONG');
    const view = () => handle.query<IncidentView>(INCIDENT.queries.view);
    const act = (body: Parameters<typeof action>[0]) =>
      actOnIncident(env.client, 'incident/LONG', action(body, '1', now()), 10_000);
    await until(() => world.pages.length === 1);
    const { dueAt } = (await view()).pendingActions.map(({ at }) => ({ dueAt: at }))[0] ?? {};
    // A page that cannot be sent is carried from run to run until it can.
    world.answerPage = () => {
      throw new Error('no engine');
    };
    const [requesterId, targets] = ['U1', [{ type: 'user', id: 'U7' } as const]];
    await act({ type: 'request_responders', requesterId, message: '', targets });
    for (let id = 1; id < EVENTS; id++) {
      await handle.signal(INCIDENT.signals.events, [event(id), event(id - 1)]);
      if (id <= NOTES) await act({ type: 'note', content: `note ${id}` });
    }
    world.answerPage = () => ({});
    await until(async () => (await view()).alerts[0]?.count === EVENTS);
    await until(() => world.pages.length > 1);
    const shown = await view();
    expect(shown.escalation.timer).toEqual({ kind: 'armed', dueAt });
    expect(shown.notes.map(({ content }) => content)).toEqual(
      Array.from({ length: NOTES }, (_, index) => `note ${index + 1}`),
    );
    await act({ type: 'resolve', resolution: null });
    await handle.result();
    const runs = await runsOf(handle);
    expect(runs.length).toBeGreaterThan(3);
    // A run ends soon after the suggestion, with what its last tasks brought.
    expect(Math.max(...runs)).toBeLessThan(2 * SUGGESTED);
  });
  const last = world.batches.at(-1)?.view;
  expect(last).toMatchObject({ status: 'resolved', alerts: [{ count: EVENTS }] });
  expect(world.pages.at(-1)?.command).toMatchObject({ why: 'responder_request' });
  expect(last?.responderRequests[0]?.responders).toMatchObject([{ userId: 'U7' }]);
  expect(world.stops.map(({ command }) => command.userIds)).toEqual([['U1', 'U7']]);
  expectWhole(world.batches.flatMap(({ entries }) => entries));
  const revisions = world.batches.flatMap((batch) => batch.view?.revision ?? []);
  expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
});

test('a responder', { timeout: 60_000 }, async () => {
  const world = new ResponderActivities();
  const { activities } = world;
  const common = { connection: env.nativeConnection, activities };
  const workers = await Promise.all([
    Worker.create({ ...common, taskQueue: TASK_QUEUES.workflows, workflowBundle: code }),
    Worker.create({ ...common, taskQueue: TASK_QUEUES.delivery }),
    Worker.create({ ...common, taskQueue: TASK_QUEUES.projection }),
  ]);
  const running = workers.map((worker) => worker.run());
  // So slow that something is always under way: no run is ever idle by itself.
  world.deliver = async () => {
    await new Promise((resolve) => setTimeout(resolve, 400));
    return outcome('accepted');
  };
  const PAGES = 60;
  const workflowId = responderWorkflowId('A', 'ULONG');
  const handle = env.client.workflow.getHandle(workflowId);
  for (let number = 1; number <= PAGES; number++) {
    await env.client.workflow.signalWithStart(RESPONDER.workflow, {
      workflowId,
      taskQueue: TASK_QUEUES.workflows,
      args: [{ accountId: 'A', userId: 'ULONG', historyLimit: 2 * SUGGESTED }],
      signal: RESPONDER.signals.page,
      // Each to a contact method of its own, so that no limit holds it back.
      signalArgs: [aPage(number, Date.now(), { steps: [oneOf(number)] })],
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await until(() => world.pages.length === PAGES);
  // Codes of the first run are good in the last.
  for (const { code: sent } of world.pages.filter((_, index) => index % 2 === 0)) {
    await handle.signal(RESPONDER.signals.reply, aReply(`SM${sent}`, { code: sent, via: 'voice' }));
  }
  const answered = Math.ceil(PAGES / 2);
  await until(() => world.answers.length === answered);
  await until(() => world.batches.flatMap(({ entries }) => entries).length >= PAGES);
  const state = await handle.query<ResponderState>(RESPONDER.queries.state);
  const runs = await runsOf(handle);
  for (const worker of workers) worker.shutdown();
  await Promise.all(running);
  expect(runs.length).toBeGreaterThan(1);
  // From the limit on nothing new is sent, but by the task that is under way: what lands then depends on this machine.
  for (const run of await historiesOf(handle))
    expect(tasksThatSend(run, 2 * SUGGESTED)).toBeLessThan(2);
  expect(state.pages).toHaveLength(PAGES - answered);
  expect(state.codes).toHaveLength(PAGES);
  expect(new Set(world.answers.map(({ incidentId }) => incidentId)).size).toBe(answered);
  expect(world.deliveries).toHaveLength(PAGES);
  expectWhole(world.batches.flatMap(({ entries }) => entries));
});

const oneOf = (number: number) =>
  ({ contactMethodId: `V${number}`, channel: 'voice', delaySec: 0 }) as const;
