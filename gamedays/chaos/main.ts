import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';

import { helpText, readArguments, type ChaosArguments } from './arguments.ts';
import {
  isClean,
  summarize,
  writeReport,
  type ChaosReport,
  type ScenarioReport,
} from './report.ts';
import { runScenario } from './run-scenario.ts';
import { SCENARIOS } from './scenarios.ts';

/** `npm run chaos`: see `--help`. */
const SETTLE_MS = 75_000;
const stopped = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => stopped.abort(new Error('The run was stopped.')));

const begun = Date.now();
process.exitCode = await main();
// Whatever still waits for something that has ended.
process.exit();

async function main(): Promise<number> {
  try {
    const given = readArguments(process.argv.slice(2), SCENARIOS);
    if (given !== 'help') return await runAll(given);
    console.log(helpText(SCENARIOS));
    return 0;
  } catch (error) {
    console.error(`✗ ${messageOf(error)}`);
    return 2;
  }
}

async function runAll(given: ChaosArguments): Promise<number> {
  const scenarios: ScenarioReport[] = [];
  const broken: Record<string, string> = {};
  say(`seed ${given.seed}`);
  for (const scenario of given.scenarios) {
    const durationMs = (given.minutes ?? scenario.minutes) * 60_000;
    const folder = path.resolve(given.data, scenario.name);
    const { signal } = stopped;
    const tell = (line: string): void => say(`${scenario.name}: ${line}`);
    try {
      const result = await runScenario({
        ...{
          scenario,
          seed: given.seed,
          durationMs,
          settleMs: SETTLE_MS,
          folder,
          say: tell,
          signal,
        },
      });
      const report = summarize(scenario, result, durationMs);
      scenarios.push(report);
      for (const line of report.examples) tell(`✗ ${line}`);
      tell(`${result.findings.length === 0 ? '✓' : '✗'} ${JSON.stringify(report.counts)}`);
    } catch (error) {
      if (signal.aborted) return 130;
      broken[scenario.name] = messageOf(error);
      tell(`✗ no result: ${messageOf(error)}`);
    }
  }
  const machine = { cores: availableParallelism(), node: process.version };
  const date = new Date(begun).toISOString();
  return save(given.out, { date, seed: given.seed, machine, scenarios, broken });
}

async function save(out: string, report: ChaosReport): Promise<number> {
  await mkdir(out, { recursive: true });
  await writeFile(path.join(out, 'latest.json'), `${JSON.stringify(report, null, 2)}\n`);
  await writeFile(path.join(out, 'latest.md'), writeReport(report));
  say(`report: ${path.join(out, 'latest.md')}`);
  return isClean(report) ? 0 : 1;
}

function say(line: string): void {
  console.log(`${((Date.now() - begun) / 1000).toFixed(0).padStart(5)} s  ${line}`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
