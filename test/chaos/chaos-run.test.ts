// With an api, a worker and Temporal killed under load, nothing that was accepted is lost, everything is paged, no
// more than two copies of a page go out, and nobody is paged after an answer. The same seed gives the same faults.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { runScenario } from '../../gamedays/chaos/run-scenario.ts';
import { SCENARIOS } from '../../gamedays/chaos/scenarios.ts';
import { createRandom } from '../../gamedays/random.ts';

const LOAD_MS = 14_000;
const SEED = 'short';
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pdlite-chaos-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('kills under load break no promise', { timeout: 120_000 }, async () => {
  const kill = SCENARIOS.find(({ name }) => name === 'kill');
  if (!kill) throw new Error('the scenario is there');
  const shape = { newPerSec: 3, repeats: 0, resolving: 0, thinkMs: [300, 2000] as const };
  const load = { ...kill.load, ...shape };
  const said: string[] = [];
  const { plan, findings, records, replayErrors } = await runScenario({
    scenario: { ...kill, load, people: 40 },
    ...{ seed: SEED, durationMs: LOAD_MS, settleMs: 5000, folder },
    say: (line) => said.push(line),
    signal: AbortSignal.timeout(100_000),
  });
  expect(findings, said.join('\n')).toEqual([]);
  expect(replayErrors).toBe(0);
  expect(plan).toEqual(kill.plan(createRandom(SEED).fork('kill').fork('faults'), LOAD_MS));
  expect(plan.length).toBeGreaterThanOrEqual(2);
  expect(records.faults.every(({ to }) => to !== null)).toBe(true);
  const accepted = records.sent.filter(({ status }) => status === 202);
  expect(accepted.length).toBeGreaterThanOrEqual(42);
  expect(records.answers.length).toBeGreaterThan(5);
});
