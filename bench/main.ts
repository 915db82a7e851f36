import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem } from 'node:os';

import { engineCeiling } from './figures/ceiling.ts';
import { burst, escalationStep, idleLatency } from './figures/latency.ts';
import { startUp, workerKill } from './figures/start-up.ts';
import { startBenchStack, type BenchStack } from './stack.ts';

/**
 * `npm run bench [P1 P2 P7 P8 P10]`: measures the embedded product from outside, and the raw engine beside
 * it in the same run. Writes bench/results/latest.json and prints it.
 */
const PEOPLE = 1000;
const CEILING_COUNT = 300;

const figures: Readonly<Record<string, (bench: BenchStack) => Promise<unknown>>> = {
  P1: async (bench) => ({ target: 'p50 ≤ 150 ms, p99 ≤ 500 ms', ...(await idleLatency(bench)) }),
  P2: async (bench) => ({
    target: '100: last page ≤ 10 s; 1,000: ≤ 100 s',
    hundred: await burst(bench, 100),
    thousand: await burst(bench, 1000),
  }),
  P7: async (bench) => ({
    target: 'fires 60.0 to 61.0 s after acceptance',
    seconds: await escalationStep(bench),
  }),
  P8: async (bench) => {
    const before = await engineCeiling(bench, CEILING_COUNT);
    const product = await burst(bench, CEILING_COUNT);
    const after = await engineCeiling(bench, CEILING_COUNT);
    const ratio = Math.round((200 * product.pagesPerSec) / (before + after)) / 100;
    const ceilingPerSec = { before, after };
    return { target: 'ratio ≥ 0.6', ceilingPerSec, productPerSec: product.pagesPerSec, ratio };
  },
  P10: async (bench) => ({
    target: 'ready ≤ 15 s; worker after SIGKILL ≤ 15 s',
    workerKilledToPageSec: await workerKill(bench),
  }),
};

const wanted = process.argv.slice(2);
const chosen = Object.keys(figures).filter((name) => wanted.length === 0 || wanted.includes(name));
const results: Record<string, unknown> = {};
const start = chosen.includes('P10') ? await startUp() : undefined;
const bench = await startBenchStack(PEOPLE);
try {
  await idleLatency(bench, 20);
  for (const name of chosen) {
    console.log(`measuring ${name} …`);
    const ceilingPerSec = await engineCeiling(bench, 100);
    results[name] = {
      ...((await figures[name]?.(bench)) as object),
      ceilingBesidePerSec: ceilingPerSec,
    };
    console.log(JSON.stringify(results[name]));
  }
} finally {
  await bench.stop();
}
if (start !== undefined) results['P10'] = { ...(results['P10'] as object), npmStart: start };
await save();

async function save(): Promise<void> {
  const versions = JSON.parse(await readFile('package.json', 'utf8')) as { dependencies: object };
  const report = {
    date: new Date().toISOString(),
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      kernel: release(),
      loadAverage: loadavg()[0],
    },
    node: process.version,
    dependencies: versions.dependencies,
    note: 'Open loop; load generator, product, Temporal and PostgreSQL share the machine.',
    results,
  };
  await mkdir('bench/results', { recursive: true });
  const name = wanted.length === 0 ? 'latest' : wanted.join('-').toLowerCase();
  await writeFile(`bench/results/${name}.json`, `${JSON.stringify(report, null, 2)}\n`);
}
