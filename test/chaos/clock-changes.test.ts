// The clocks of workers and apis jump by minutes to hours while they run: nothing that was accepted is lost, nothing is
// missed, skipped or early, nobody is paged after an answer, and no third copy goes out. Needs libfaketime.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { runScenario } from '../../gamedays/chaos/run-scenario.ts';
import { SCENARIOS } from '../../gamedays/chaos/scenarios.ts';
import {
  clockEnvironment,
  findClockLibrary,
  setClock,
} from '../../gamedays/faults/process-clock.ts';

const HOUR = 3_600_000;
const LOAD_MS = 15_000;
/** Wider than for a run of its own: other tests run beside it. */
const limits = { pageMs: 20_000, stepMs: 15_000, ghostMs: 8000 };
const library = findClockLibrary();
if (library === null) console.warn('skipped: libfaketime is missing (apt-get install faketime)');
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pdlite-clocks-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(library === null)('clock changes', () => {
  test('the clock of a process is set while it runs, and durations stay what they are', async () => {
    const file = path.join(folder, 'one.clock');
    const script = `process.stdin.on('data', () => console.log(JSON.stringify([Date.now(), performance.now()])))`;
    const child = spawn(process.execPath, ['-e', script], {
      env: { ...process.env, ...clockEnvironment(library ?? '', file) },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ask = async (): Promise<{ offMs: number; steadyMs: number }> => {
      child.stdin.write('?');
      const [line] = (await once(child.stdout, 'data')) as [Buffer];
      const [machineMs = 0, steadyMs = 0] = JSON.parse(line.toString()) as number[];
      return { offMs: machineMs - Date.now(), steadyMs };
    };
    try {
      const before = await ask();
      const startedAt = performance.now();
      expect(Math.abs(before.offMs)).toBeLessThan(1000);
      for (const offMs of [-6 * HOUR, 2 * HOUR, 0]) {
        await setClock(file, offMs);
        await expect
          .poll(async () => Math.abs((await ask()).offMs - offMs), { timeout: 5000 })
          .toBeLessThan(1000);
      }
      const passedMs = (await ask()).steadyMs - before.steadyMs;
      expect(Math.abs(passedMs - (performance.now() - startedAt))).toBeLessThan(500);
    } finally {
      child.kill();
    }
  });

  test('under load they break no promise', { timeout: 150_000 }, async () => {
    const scenario = SCENARIOS.find(({ name }) => name === 'clock-changes');
    if (!scenario) throw new Error('the scenario is there');
    const shape = { newPerSec: 2, repeats: 0, resolving: 0, thinkMs: [300, 2000] as const };
    const said: string[] = [];
    const { plan, findings, records, replayErrors } = await runScenario({
      scenario: { ...scenario, limits, load: { ...scenario.load, ...shape }, people: 40 },
      ...{ seed: 'short', durationMs: LOAD_MS, settleMs: 5000, folder: path.join(folder, 'run') },
      say: (line) => said.push(line),
      signal: AbortSignal.timeout(130_000),
    });
    expect(findings, said.join('\n')).toEqual([]);
    expect(replayErrors).toBe(0);
    expect(plan.length).toBeGreaterThanOrEqual(4);
    expect(records.faults.every(({ to, excusesNothing }) => to !== null && excusesNothing)).toBe(
      true,
    );
    expect(records.sent.filter(({ status }) => status === 202).length).toBeGreaterThanOrEqual(30);
    expect(records.answers.length).toBeGreaterThan(5);
  });
});
