// Property: a history that the real `temporal` CLI exported replays with today's code; a changed one does not, and
// `pdlite replay` says which by its words and its exit code.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { afterAll, beforeAll, expect, test } from 'vitest';

import type { Activities } from '../../activities/contract.ts';
import { RESPONDER } from '../../domain/messages.ts';
import { findTemporalCli } from '../../platform/embedded/find-temporal.ts';
import { responderWorkflowId, TASK_QUEUES } from '../../temporal-config/names.ts';
import { replay } from '../../worker/replay.ts';
import { aPage } from '../support/responder-world.ts';
import { devServer, whileWorking, workflowBundle, type DevServer } from '../support/temporal.ts';

const run = promisify(execFile);
const cli = fileURLToPath(new URL('../../cli/pdlite.mjs', import.meta.url));
let server: DevServer;
let folder: string;
let exported: string;

beforeAll(async () => {
  server = await devServer();
  folder = await mkdtemp(path.join(tmpdir(), 'pdlite-replay-'));
  exported = await recordHistory();
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

/** A responder that was paged once, as `temporal workflow show` prints it. */
async function recordHistory(): Promise<string> {
  let delivered: () => void;
  const sent = new Promise<void>((resolve) => (delivered = resolve));
  const activities = {
    deliver: () => {
      delivered();
      const at = '2026-11-23T10:00:00.000Z';
      return Promise.resolve({
        result: 'accepted',
        at,
        provider: 'fake',
        providerId: 'X',
      } as const);
    },
    project: () => Promise.resolve(),
  } satisfies Partial<Activities>;
  const workflowId = responderWorkflowId('A', 'U');
  const common = { connection: server.nativeConnection, namespace: server.namespace, activities };
  const bundle = await workflowBundle();
  await whileWorking(
    [
      { ...common, taskQueue: TASK_QUEUES.workflows, workflowBundle: bundle },
      { ...common, taskQueue: TASK_QUEUES.delivery },
      { ...common, taskQueue: TASK_QUEUES.projection },
    ],
    async () => {
      await server.client.workflow.signalWithStart(RESPONDER.workflow, {
        workflowId,
        taskQueue: TASK_QUEUES.workflows,
        args: [{ accountId: 'A', userId: 'U' }],
        signal: RESPONDER.signals.page,
        signalArgs: [aPage(1, Date.now())],
      });
      await sent;
    },
  );
  const executable = await findTemporalCli({ log: console.log });
  const where = ['--address', server.address, '--namespace', server.namespace];
  const show = ['workflow', 'show', '--workflow-id', workflowId, '--output', 'json'];
  return (await run(executable, [...show, ...where], { maxBuffer: 64e6 })).stdout;
}

async function pdliteReplay(name: string, text: string) {
  const file = path.join(folder, name);
  await writeFile(file, text);
  return run(process.execPath, [cli, 'replay', file]).then(
    ({ stdout }) => ({ code: 0, text: stdout }),
    (error: unknown) => {
      const { code, stderr } = error as { code: number; stderr: string };
      return { code, text: stderr };
    },
  );
}

test('what the CLI exported replays', async () => {
  expect(await pdliteReplay('good.json', exported)).toMatchObject({
    code: 0,
    text: expect.stringContaining('Same decisions: responder responder/A/U') as string,
  });
});

test('a history that the code would not have made is told apart', async () => {
  const changed = exported.replaceAll('"name": "deliver"', '"name": "other"');
  expect(changed).not.toBe(exported);
  expect(await pdliteReplay('changed.json', changed)).toMatchObject({
    code: 1,
    text: expect.stringContaining('Other decisions') as string,
  });
});

test('what `fetchHistory` answers replays too, as JSON', async () => {
  const handle = server.client.workflow.getHandle(responderWorkflowId('A', 'U'));
  const history = JSON.stringify(await handle.fetchHistory());
  expect((await replay(history)).text).toMatch(/^Same decisions/);
});

test('what is no history is refused in one sentence', async () => {
  expect(await pdliteReplay('rubbish.json', '{"a":1}')).toMatchObject({ code: 2 });
  expect(await pdliteReplay('text.json', 'hello')).toMatchObject({ code: 2 });
});

test('the help names every command, and an unknown one is an error', async () => {
  expect((await run(process.execPath, [cli, '--help'])).stdout).toContain('replay');
  await expect(run(process.execPath, [cli, 'reply'])).rejects.toMatchObject({ code: 2 });
});
