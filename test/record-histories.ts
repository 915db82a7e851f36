/**
 * Records the histories that test/replay replays: `node test/record-histories.ts VERSION [NAME…]`. It runs
 * each scenario (or the named ones) with the real workflows on a development server and writes
 * test/histories/{workflow}-{scenario}-{VERSION}.json. Never overwrite an older version: it stands for the
 * histories that are still open somewhere.
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import { TASK_QUEUES } from '../domain/messages.ts';
import {
  bundle,
  defineAttributes,
  fakeActivities,
  newWorld,
  quietRuntime,
} from './support/incident-worker.ts';
import { recordedHeartbeats } from './support/recorded-heartbeats.ts';
import { beforeWorkers, recordedIncidents } from './support/recorded-incidents.ts';
import { recordedRepairs } from './support/recorded-repairs.ts';
import { recordedResponders } from './support/recorded-responders.ts';
import { ResponderActivities } from './support/responder-worker.ts';
import { temporalCliPath } from './support/test-server.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const others = { ...recordedHeartbeats, ...recordedRepairs };
const names = [recordedIncidents, recordedResponders, others].flatMap(Object.keys);

/** Runs one scenario with fresh stand-ins for the world, and keeps the history of what it names. */
async function record(env: TestWorkflowEnvironment, code: Bundle, file: string, name: string) {
  const world = newWorld();
  const responder = new ResponderActivities();
  const activities = {
    ...{ ...responder.activities, ...fakeActivities(world, env.client) },
    resetWorkflow: () => Promise.resolve(),
    ...(name in recordedResponders && { project: responder.activities.project }),
  };
  const work = <T>(body: () => Promise<T>) => withWorkers(env, code, activities, body);
  const firstRunId = await beforeWorkers[name]?.(env, work);
  const kept = await work(
    async () =>
      (await recordedIncidents[name]?.(env, world)) ??
      (await recordedResponders[name]?.(env, responder)) ??
      (await others[name]?.(env)),
  );
  if (kept === undefined) throw new Error(`no scenario is called ${name}`);
  const { workflowId, runId } =
    typeof kept === 'string' ? { workflowId: kept, runId: firstRunId } : kept;
  const history = await env.client.workflow.getHandle(workflowId, runId).fetchHistory();
  const url = new URL(`histories/${file}.json`, import.meta.url);
  // Stack traces name the folder that this was recorded in.
  const text = historyToJSON(history).replaceAll(root, '');
  await writeFile(url, `${text}\n`, { flag: 'wx' });
}
type Bundle = Awaited<ReturnType<typeof bundle>>;

async function withWorkers<T>(
  env: TestWorkflowEnvironment,
  code: Bundle,
  activities: object,
  body: () => Promise<T>,
): Promise<T> {
  const common = { connection: env.nativeConnection, activities };
  const workers = await Promise.all([
    Worker.create({ ...common, taskQueue: TASK_QUEUES.workflows, workflowBundle: code }),
    Worker.create({ ...common, taskQueue: TASK_QUEUES.delivery }),
    Worker.create({ ...common, taskQueue: TASK_QUEUES.projection }),
  ]);
  const running = workers.map((worker) => worker.run());
  const result = await body();
  for (const worker of workers) worker.shutdown();
  await Promise.all(running);
  return result;
}

async function main(version: string, wanted: readonly string[]): Promise<void> {
  quietRuntime();
  const path = await temporalCliPath();
  const env = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'existing-path', path } },
  });
  await defineAttributes(env);
  const code = await bundle();
  for (const name of names.filter((one) => wanted.length === 0 || wanted.includes(one))) {
    await record(env, code, `${name}-${version}`, name);
  }
  await env.teardown();
}

const [version, ...wanted] = process.argv.slice(2);
if (version === undefined) throw new Error('which version?');
await main(version, wanted);
