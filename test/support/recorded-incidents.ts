import type { WorkflowHandle } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import type { IncidentInput, IncidentView } from '../../domain/incident/types.ts';
import { INCIDENT, TASK_QUEUES } from '../../domain/messages.ts';
import { action, alertEvent, answer, settings, user } from './incident-samples.ts';
import type { World } from './incident-worker.ts';

/** Runs a scenario on a real server; answers the workflow whose last run's history is kept, or of which run it is. */
export type Scenario = (
  env: TestWorkflowEnvironment,
  world: World,
) => Promise<string | { readonly workflowId: string; readonly runId: string }>;

const now = () => new Date().toISOString();

function trigger(
  env: TestWorkflowEnvironment,
  incidentId: string,
  change: Parameters<typeof settings>[0] = { service: { acknowledgementTimeoutSec: 1800 } },
) {
  const start: IncidentInput = { incidentId, settings: settings(change), manual: null };
  return env.client.workflow.signalWithStart(INCIDENT.workflow, {
    workflowId: `incident/ACC/SVC/${incidentId}`,
    taskQueue: TASK_QUEUES.workflows,
    args: [start],
    signal: INCIDENT.signals.events,
    signalArgs: [[alertEvent({ eventId: incidentId, dedupKey: incidentId, receivedAt: now() })]],
  });
}

const act = (handle: WorkflowHandle, body: Parameters<typeof action>[0]) =>
  handle.executeUpdate<IncidentView, [ReturnType<typeof action>]>(INCIDENT.updates.act, {
    args: [action(body, '1', now())],
  });
const resolve = (handle: WorkflowHandle) => act(handle, { type: 'resolve', resolution: 'fixed' });

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
  // Its alert comes so often, each time alone, that its history grows long.
  'incident-long': async (env) => {
    const handle = await trigger(env, 'PLONG');
    for (let n = 0; n < 75; n += 1) {
      const again = alertEvent({ eventId: `E${n}`, dedupKey: 'PLONG', receivedAt: now() });
      await handle.signal(INCIDENT.signals.events, [again]);
      await env.sleep(50);
    }
    return { workflowId: handle.workflowId, runId: handle.signaledRunId };
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
  // The second try of a page is under way when an answer overtakes it, and arrives.
  'incident-arrived-late': async (env, world) => {
    const arrival = Promise.withResolvers<Record<string, never>>();
    let tries = 0;
    world.answerPage = () => {
      tries += 1;
      if (tries === 1) throw new Error('no engine');
      return arrival.promise;
    };
    const handle = await trigger(env, 'PARRIVED');
    await env.sleep(1000);
    await handle.signal(INCIDENT.signals.answer, answer('acknowledge', '1', now(), 'PARRIVED'));
    await env.sleep(1000);
    arrival.resolve({});
    await env.sleep(1000);
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
  // Telling the paged to stop fails at first, and a late report comes about an older page.
  'incident-hard-to-stop': async (env, world) => {
    const handle = await trigger(env, 'PHARD');
    await env.sleep(500);
    let fails = 2;
    world.onStop = () => {
      if (fails-- > 0) throw new Error('no engine');
    };
    await act(handle, { type: 'escalate', ruleIndex: null });
    await env.sleep(500);
    const late = { incidentId: 'PHARD', userId: 'U2', pageId: 'PHARD/1', at: now(), reason: 'bad' };
    await handle.signal(INCIDENT.signals.unreachable, late);
    await env.sleep(1500);
    await resolve(handle);
    await handle.result();
    return handle.workflowId;
  },
  // Begun by `beforeWorkers`: the acknowledgement ran out and the alert resolved while no worker was there.
  'incident-overtaken': async (env) => {
    const handle = env.client.workflow.getHandle('incident/ACC/SVC/POVERTAKEN');
    await handle.result();
    return handle.workflowId;
  },
  // A snooze lasts longer than the time after which the service resolves by itself.
  'incident-outlasted': async (env) => {
    const handle = await trigger(env, 'POUTLASTED', { service: { autoResolveTimeoutSec: 2 } });
    await act(handle, { type: 'snooze', durationSec: 3 });
    await handle.result();
    return handle.workflowId;
  },
  // A step and the automatic resolve are due at one instant.
  'incident-tied': async (env) => {
    const change = { minutes: [2, 2], service: { autoResolveTimeoutSec: 120 } };
    const handle = await trigger(env, 'PTIED', change);
    await handle.result();
    return handle.workflowId;
  },
  'incident-minute-steps': async (env) => {
    const handle = await trigger(env, 'PMINUTES', { minutes: [1, 1] });
    await env.sleep(62_000);
    await resolve(handle);
    await handle.result();
    return handle.workflowId;
  },
  // Begun by `beforeWorkers`: the next incident of the key, whose trigger came before any worker.
  'incident-in-order': async (env) => {
    const handle = env.client.workflow.getHandle('incident/ACC/SVC/PORDER');
    await env.sleep(2000);
    await act(handle, { type: 'resolve', resolution: 'fixed' });
    await handle.result();
    return handle.workflowId;
  },
};

/** Runs workers while the body runs. */
type Work = (body: () => Promise<void>) => Promise<void>;

/** What comes before any worker runs, but for those that it runs itself. Answers the run whose history is kept. */
export const beforeWorkers: Readonly<
  Record<string, (env: TestWorkflowEnvironment, work: Work) => Promise<string>>
> = {
  'incident-overtaken': async (env, work) => {
    const handle = await trigger(env, 'POVERTAKEN', { service: { acknowledgementTimeoutSec: 2 } });
    await work(async () => {
      await env.sleep(500);
      await handle.signal(INCIDENT.signals.answer, answer('acknowledge', '1', now(), 'POVERTAKEN'));
      await env.sleep(500);
    });
    await env.sleep(2500);
    const about = { dedupKey: 'POVERTAKEN', receivedAt: now() };
    const end = alertEvent({ ...about, eventId: 'end', action: 'resolve' });
    await handle.signal(INCIDENT.signals.events, [end]);
    return handle.signaledRunId;
  },
  'incident-in-order': async (env) => {
    const handle = await trigger(env, 'PORDER');
    await handle.signal(INCIDENT.signals.answer, answer('acknowledge', '2', now(), 'PORDER'));
    await handle.signal(INCIDENT.signals.answer, answer('resolve', '2', now(), 'PORDER'));
    const again = alertEvent({ eventId: 'again', dedupKey: 'PORDER', receivedAt: now() });
    await handle.signal(INCIDENT.signals.events, [again]);
    return handle.signaledRunId;
  },
};
