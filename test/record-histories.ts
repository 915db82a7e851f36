/**
 * Records the histories that test/replay replays: `node test/record-histories.ts VERSION`. It runs each
 * scenario with the real workflows on a development server and writes
 * test/histories/{workflow}-{scenario}-{VERSION}.json. Never overwrite an older version: it stands for the
 * histories that are still open somewhere.
 */
import { writeFile } from 'node:fs/promises';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import type { IncidentInput } from '../domain/incident/types.ts';
import { INCIDENT, TASK_QUEUES } from '../domain/messages.ts';
import { action, alertEvent, answer, settings } from './support/incident-samples.ts';
import {
  bundle,
  defineAttributes,
  newWorld,
  quietRuntime,
  withWorkers,
} from './support/incident-worker.ts';
import { temporalCliPath } from './support/test-server.ts';

type Scenario = (env: TestWorkflowEnvironment) => Promise<string>;

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
  handle.executeUpdate(INCIDENT.updates.act, { args: [action(body, '1', now())] });

/** Workflow and scenario → its workflow id, when it is over. Add the next one here. */
const scenarios: Readonly<Record<string, Scenario>> = {
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
    const source = await trigger(env, 'PSOURCE');
    const target = await trigger(env, 'PTARGET');
    const sources = [{ incidentId: 'PSOURCE', workflowId: source.workflowId }];
    await act(target, { type: 'merge', sources });
    await env.sleep(2000);
    await act(target, { type: 'resolve', resolution: 'fixed' });
    await Promise.all([source.result(), target.result()]);
    return target.workflowId;
  },
};

async function record(env: TestWorkflowEnvironment, name: string, version: string): Promise<void> {
  const workflowId = await scenarios[name]?.(env);
  if (workflowId === undefined) return;
  const history = await env.client.workflow.getHandle(workflowId).fetchHistory();
  const file = new URL(`histories/${name}-${version}.json`, import.meta.url);
  await writeFile(file, `${historyToJSON(history)}\n`);
}

async function main(version: string): Promise<void> {
  quietRuntime();
  const path = await temporalCliPath();
  const env = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'existing-path', path } },
  });
  await defineAttributes(env);
  const code = await bundle();
  await withWorkers(env, code, newWorld(), async () => {
    for (const name of Object.keys(scenarios)) await record(env, name, version);
  });
  await env.teardown();
}

await main(process.argv[2] ?? 'v1');
