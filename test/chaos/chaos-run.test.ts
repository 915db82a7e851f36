// With an api, a worker and Temporal killed under load, or everything of one region at once, nothing that was accepted
// is lost, everything is paged, no more than two copies of a page go out, and nobody is paged after an answer. The same
// seed gives the same faults.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { runScenario } from '../../gamedays/chaos/run-scenario.ts';
import { SCENARIOS } from '../../gamedays/chaos/scenarios.ts';
import { createRandom } from '../../gamedays/random.ts';

const SEED = 'short';
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pdlite-chaos-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The short form: with few alerts, which people answer soon. */
async function runShort(name: string, durationMs: number) {
  const scenario = SCENARIOS.find((one) => one.name === name);
  if (!scenario) throw new Error(`there is no scenario ${name}`);
  const shape = { newPerSec: 3, repeats: 0, resolving: 0, thinkMs: [300, 2000] as const };
  const said: string[] = [];
  const result = await runScenario({
    scenario: { ...scenario, load: { ...scenario.load, ...shape }, people: 40 },
    ...{ seed: SEED, durationMs, settleMs: 5000, folder },
    say: (line) => said.push(line),
    signal: AbortSignal.timeout(110_000),
  });
  const { findings, records, replayErrors, plan } = result;
  expect(findings, said.join('\n')).toEqual([]);
  expect(replayErrors).toBe(0);
  expect(records.faults.every(({ to }) => to !== null)).toBe(true);
  const accepted = records.sent.filter(({ status }) => status === 202);
  expect(accepted.length).toBeGreaterThanOrEqual((durationMs / 1000) * shape.newPerSec);
  expect(records.answers.length).toBeGreaterThan(5);
  expect(plan).toEqual(scenario.plan(createRandom(SEED).fork(name).fork('faults'), durationMs));
  return result;
}

test('kills under load break no promise', { timeout: 120_000 }, async () => {
  const { plan } = await runShort('kill', 14_000);
  expect(plan.length).toBeGreaterThanOrEqual(2);
});

test(
  'a region dies: the other one takes alerts, pages, answers, lists and changes',
  { timeout: 150_000 },
  async () => {
    const { records } = await runShort('region-lost', 24_000);
    expect(records.database?.changes.some(({ result }) => result === 'made')).toBe(true);
  },
);
