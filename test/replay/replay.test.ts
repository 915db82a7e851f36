// Every history that was ever recorded replays with today's workflow code; one that was tampered with does not.
import { readdir, readFile } from 'node:fs/promises';
import { Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { beforeAll, expect, test, vi } from 'vitest';
import { bundle, quietRuntime } from '../support/incident-worker.ts';
import { recordedHeartbeats } from '../support/recorded-heartbeats.ts';
import { recordedIncidents } from '../support/recorded-incidents.ts';
import { recordedRepairs } from '../support/recorded-repairs.ts';
import { recordedResponders } from '../support/recorded-responders.ts';

vi.setConfig({ testTimeout: 60_000 });

const folder = new URL('../histories/', import.meta.url);
const names = (await readdir(folder)).filter((name) => name.endsWith('.json'));
const read = (name: string) => readFile(new URL(name, folder), 'utf8');
let workflowBundle: WorkflowBundleWithSourceMap;

beforeAll(async () => {
  quietRuntime();
  workflowBundle = await bundle();
}, 60_000);

const replay = async (text: string) =>
  Worker.runReplayHistory({ workflowBundle }, JSON.parse(text) as unknown);

const recorded = [recordedIncidents, recordedResponders, recordedHeartbeats, recordedRepairs];

test.each(recorded.flatMap((scenarios) => Object.keys(scenarios)))(
  'there is a history of %s',
  (scenario) => expect(names.filter((name) => name.startsWith(`${scenario}-v`))).not.toEqual([]),
);

test.each(names)('%s replays', async (name) => {
  await expect(replay(await read(name))).resolves.toBeUndefined();
});

test('a history whose activity is another one fails', async () => {
  const text = await read('incident-answered-v1.json');
  const changed = text.replace('"name": "project"', '"name": "deliver"');
  expect(changed).not.toBe(text);
  await expect(replay(changed)).rejects.toThrow(/determinism|Nondeterminism/i);
});
