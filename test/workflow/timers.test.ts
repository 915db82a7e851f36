// Property: over virtual fortnights in which clocks change, each step, snooze, timeout and notification rule of random
// policies pages the right person no earlier than it is due and within two seconds, and nothing else pages anybody.
// The short form of the bench's figure F11; it runs the real workflows and activities on time-skipping servers.
import { beforeAll, expect, test } from 'vitest';

import { runSeeds } from '../../bench/timers/run-seeds.ts';
import { quietRuntime } from '../support/incident-worker.ts';

const SEEDS = 24;

beforeAll(quietRuntime);

test('every timer of every seed fires when it is due', { timeout: 240_000 }, async () => {
  const said: string[] = [];
  const wanted = Array.from({ length: SEEDS }, (_, n) => n);
  const { seeds, from } = await runSeeds(wanted, (line) => said.push(line));
  expect(seeds.map(({ seed }) => seed).sort((a, b) => a - b)).toEqual(wanted);
  expect(from).toHaveLength(4);
  const wrong = seeds.filter(({ findings }) => findings.length > 0);
  expect(wrong.map(({ seed, findings }) => ({ seed, findings }))).toEqual([]);
  const timers = seeds.flatMap(({ expected }) => expected.timers);
  expect(timers.length).toBeGreaterThan(60);
});
