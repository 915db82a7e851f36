import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { IncidentInput, IncidentView } from '../../domain/incident/types.ts';
import { INCIDENT, TASK_QUEUES } from '../../domain/messages.ts';
import { action, alertEvent, answer, settings, user } from './incident-samples.ts';
import type { World } from './incident-worker.ts';

/** Runs a scenario on a real server; answers the workflow id whose history is kept. */
export type Scenario = (env: TestWorkflowEnvironment, world: World) => Promise<string>;

const now = () => new Date().toISOString();

function trigger(env: TestWorkflowEnvironment, incidentId: string) {
  const start: IncidentInput = {
    incidentId,
    settings: settings({ service: { acknowledgementTimeoutSec: 1800 } }),
    manual: null,
  };
  return env.client.workflow.signalWithStart(INCIDENT.workflow, {
    workflowId: `incident/ACC/SVC/${incidentId}`,
    taskQueue: TASK_QUEUES.workflows,
    args: [start],
    signal: INCIDENT.signals.events,
    signalArgs: [[alertEvent({ eventId: incidentId, dedupKey: incidentId, receivedAt: now() })]],
  });
}
type Handle = Awaited<ReturnType<typeof trigger>>;

const act = (handle: Handle, body: Parameters<typeof action>[0]) =>
  handle.executeUpdate<IncidentView, [ReturnType<typeof action>]>(INCIDENT.updates.act, {
    args: [action(body, '1', now())],
  });
const resolve = (handle: Handle) => act(handle, { type: 'resolve', resolution: 'fixed' });

async function mergeTwo(env: TestWorkflowEnvironment, name: string) {
  const source = await trigger(env, `${name}SOURCE`);
  const target = await trigger(env, `${name}TARGET`);
  const sources = [{ incidentId: `${name}SOURCE`, workflowId: source.workflowId }];
  await act(target, { type: 'merge', sources });
  await env.sleep(2000);
  return { source, target };
}

/** Scenarios of the incident; a new kind of command sequence gets the next one here. */
export const recordedIncidents: Readonly<Record<string, Scenario>> = {
  'incident-answered': async (env) => {
    const handle = await trigger(env, 'PANSWERED');
    await act(handle, { type: 'escalate', ruleIndex: null });
    await handle.signal(INCIDENT.signals.answer, answer('acknowledge', '2', now(), 'PANSWERED'));
    await act(handle, { type: 'note', content: 'looking' });
    await act(handle, { type: 'snooze', durationSec: 2 });
    await env.sleep(3000);
    await handle.signal(INCIDENT.signals.answer, answer('resolve', '2', now(), 'PANSWERED'));
    await handle.result();
    return handle.workflowId;
  },
  'incident-merged': async (env) => {
    const { source, target } = await mergeTwo(env, 'P');
    await resolve(target);
    await Promise.all([source.result(), target.result()]);
    return target.workflowId;
  },
  'incident-alerts': async (env) => {
    const { target } = await mergeTwo(env, 'PALERTS');
    const { alerts } = await act(target, { type: 'note', content: 'one by one' });
    for (const { id } of alerts) await act(target, { type: 'resolve_alerts', alertIds: [id] });
    await target.result();
    return target.workflowId;
  },
  // The page fails until an answer overtakes it.
  'incident-given-up': async (env, world) => {
    world.answerPage = () => {
      throw new Error('no engine');
    };
    const handle = await trigger(env, 'PGIVENUP');
    await env.sleep(1000);
    await handle.signal(INCIDENT.signals.answer, answer('acknowledge', '1', now(), 'PGIVENUP'));
    await env.sleep(12_000);
    world.answerPage = () => ({});
    await resolve(handle);
    await handle.result();
    return handle.workflowId;
  },
  // One of two users takes the page later than the other; a responder is asked for besides.
  'incident-partly-paged': async (env, world) => {
    let fails = 3;
    world.answerPage = () => (fails-- > 0 ? { userIds: ['U1', 'U2'], unsignalled: ['U2'] } : {});
    const handle = await trigger(env, 'PPARTLY');
    await env.sleep(5000);
    await act(handle, {
      type: 'request_responders',
      requesterId: 'U1',
      message: 'please',
      targets: [user('3')],
    });
    await resolve(handle);
    await handle.result();
    return handle.workflowId;
  },
};
