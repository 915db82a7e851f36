import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';

import { helpText, readArguments, type ChaosArguments } from './arguments.ts';
import { isClean, mergeReports, type ChaosReport, type ScenarioReport } from './report.ts';
import { runScenario } from './run-scenario.ts';
import type { Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios.ts';
import { summarize } from './summarize.ts';
import { writeReport } from './write-report.ts';

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
    const { name } = scenario;
    const tell = (line: string): void => say(`${name}: ${line}`);
    try {
      scenarios.push(await runOne(given, scenario, tell));
    } catch (error) {
      if (stopped.signal.aborted) return 130;
      broken[name] = messageOf(error);
      tell(`✗ no result: ${messageOf(error)}`);
    }
    // After each: a long run that is stopped keeps what it has.
    await save(given.out, { scenarios, broken });
  }
  say(`report: ${path.join(given.out, 'latest.md')}`);
  return isClean({ scenarios, broken }) ? 0 : 1;
}

async function runOne(
  { minutes, seed, data }: ChaosArguments,
  scenario: Scenario,
  say: (line: string) => void,
): Promise<ScenarioReport> {
  const loadMs = (minutes ?? scenario.minutes) * 60_000;
  const run = {
    date: new Date().toISOString(),
    seed,
    machine: { cores: availableParallelism(), node: process.version },
  };
  const result = await runScenario({
    ...{ scenario, seed, durationMs: loadMs, settleMs: SETTLE_MS, say, signal: stopped.signal },
    folder: path.resolve(data, scenario.name),
  });
  const report = summarize({ scenario, run, loadMs }, result);
  for (const line of report.examples) say(`✗ ${line}`);
  say(`${Object.keys(report.findings).length === 0 ? '✓' : '✗'} ${JSON.stringify(report.counts)}`);
  return report;
}

async function save(out: string, now: ChaosReport): Promise<void> {
  await mkdir(out, { recursive: true });
  const file = path.join(out, 'latest.json');
  const earlier: ChaosReport = existsSync(file)
    ? (JSON.parse(await readFile(file, 'utf8')) as ChaosReport)
    : { scenarios: [], broken: {} };
  const report = mergeReports(
    earlier,
    now,
    SCENARIOS.map(({ name }) => name),
  );
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
  await writeFile(path.join(out, 'latest.md'), writeReport(report));
}

function say(line: string): void {
  console.log(`${((Date.now() - begun) / 1000).toFixed(0).padStart(5)} s  ${line}`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
