import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus, loadavg, release, totalmem } from 'node:os';

import { engineCeiling } from './figures/ceiling.ts';
import { deadMan } from './figures/dead-man.ts';
import { differentEvents, oneKeyStorm, pagesInBurst, sameEvent } from './figures/intake.ts';
import { burst, escalationStep, idleLatency } from './figures/latency.ts';
import { loadHeld } from './figures/load-held.ts';
import { memory } from './figures/memory.ts';
import { startUp, workerKill } from './figures/start-up.ts';
import { stormBeside } from './figures/storm.ts';
import { timers } from './figures/timers.ts';
import { productCpuSec } from './processes.ts';
import { startBenchStack, type BenchStack } from './stack.ts';

/**
 * `npm run bench [P1 P2 …]`: measures the embedded product from outside, each figure on an installation of its own
 * with empty queues, and the raw engine beside it; F11 on servers whose clocks jump. Writes bench/results/latest.json,
 * where a figure replaces its earlier result, and prints it. `npm run bench F11 417` plays single seeds again, and
 * `npm run bench F13 5` is quiet for five minutes instead of two hours; both only print.
 */
const PEOPLE = 1000;
const CEILING_COUNT = 300;
const FILE = 'bench/results/latest.json';

const onProduct: Readonly<Record<string, (bench: BenchStack) => Promise<object>>> = {
  P1: async (bench) => ({ target: 'p50 ≤ 150 ms, p99 ≤ 500 ms', ...(await idleLatency(bench)) }),
  P2: async (bench) => ({
    target: '100: last page ≤ 10 s; 1,000: ≤ 100 s',
    hundred: await burst(bench, 100),
    thousand: await burst(bench, 1000),
  }),
  P3: async (bench) => ({
    target: '64 keys: ≥ 4,000/s, p99 ≤ 100 ms, nothing lost',
    ...(await differentEvents(bench, 64)),
  }),
  P4: async (bench) => ({
    target: 'one key: ≥ 4,000/s, p99 ≤ 100 ms, nothing lost',
    ...(await differentEvents(bench, 1)),
  }),
  P5: async (bench) => ({
    target: 'one incident, exact count, ≤ 500 history events, page ≤ 1 s after the first',
    ...(await oneKeyStorm(bench)),
  }),
  P6: async (bench) => ({
    target: 'first page ≤ 1 s after its event, at 500 events/s',
    ...(await pagesInBurst(bench, PEOPLE)),
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
  P9: async (bench) => ({
    target: '10,000 open: worker ≤ 1 GB, api ≤ 300 MB; idle: ≤ 5 % of a core together',
    ...(await memory(bench, PEOPLE)),
  }),
  P10: async (bench) => ({
    target: 'ready ≤ 15 s; worker after SIGKILL ≤ 15 s',
    workerKilledToPageSec: await workerKill(bench),
    npmStart: await startUp(),
  }),
  P12: async (bench) => ({
    target: 'folding event ≤ 1 ms; paged incident: beside the ceiling’s',
    folding: await sameEvent(bench),
    pagedIncidentCpuMs: await cpuMsEach(CEILING_COUNT, () => burst(bench, CEILING_COUNT)),
    ceilingCpuMs: await cpuMsEach(CEILING_COUNT, () => engineCeiling(bench, CEILING_COUNT)),
  }),
  F1: async (bench) => ({
    target: '0 lost; p99 ≤ 250 ms at 50/s, ≤ 1 s at 500/s; refusals counted',
    ...(await loadHeld(bench, PEOPLE)),
  }),
  F14: async (bench) => ({
    target:
      '10,000 events in 60 s: first page ≤ 5 s; another account’s p99 ≤ 2 times its own before',
    ...(await stormBeside(bench)),
  }),
};

const figures: Readonly<Record<string, () => Promise<object>>> = {
  ...Object.fromEntries(
    Object.entries(onProduct).map(([name, figure]) => [name, () => measureProduct(figure)]),
  ),
  F11: async () => ({
    target:
      '± 2 s, never early, never skipped over clock changes: ≥ 1,000 seeds of 14 virtual days',
    ...(await timers(numbers)),
  }),
  F13: async () => ({
    target: 'each part told ≤ 90 s (the other watchdog ≤ 120 s), 0 false alarms in 2 h',
    ...(await deadMan(numbers[0])),
  }),
};

/** With each figure, since not all are measured on one. */
const machine = {
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
};
const isNumber = (text: string): boolean => /^\d+$/.test(text);
const given = process.argv.slice(2);
const numbers = given.filter(isNumber).map(Number);
const wanted = given.filter((text) => !isNumber(text));
for (const name of wanted) if (!(name in figures)) throw new Error(`there is no figure ${name}`);
for (const [name, figure] of Object.entries(figures)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.log(`measuring ${name} …`);
  const date = new Date().toISOString();
  const result = { ...(await figure()), date, loadAverage: loadavg()[0], machine };
  console.log(JSON.stringify(result));
  if (numbers.length === 0) await save(name, result);
}

async function measureProduct(figure: (bench: BenchStack) => Promise<object>): Promise<object> {
  const bench = await startBenchStack(PEOPLE);
  try {
    await idleLatency(bench, 20);
    const ceilingBesidePerSec = await engineCeiling(bench, 100);
    return { ...(await figure(bench)), ceilingBesidePerSec };
  } finally {
    await bench.stop();
  }
}

/** Milliseconds of processor time, of the product and its engine, for each of so many. */
async function cpuMsEach(count: number, work: () => Promise<unknown>): Promise<number> {
  const before = await productCpuSec();
  await work();
  return Math.round(((await productCpuSec()) - before) * (10_000 / count)) / 10;
}

async function save(name: string, result: object): Promise<void> {
  const versions = JSON.parse(await readFile('package.json', 'utf8')) as { dependencies: object };
  const earlier = existsSync(FILE)
    ? (JSON.parse(await readFile(FILE, 'utf8')) as { results: object }).results
    : {};
  const results = { ...earlier, [name]: result };
  const report = {
    node: process.version,
    dependencies: versions.dependencies,
    note: 'Load generator, product, Temporal and PostgreSQL share the machine. P3, P4 and P12 are closed loop, the others open; F11 is on virtual time.',
    results: Object.fromEntries(
      Object.keys(figures).flatMap((key) =>
        key in results ? [[key, (results as Record<string, unknown>)[key]] as const] : [],
      ),
    ),
  };
  await mkdir('bench/results', { recursive: true });
  await writeFile(FILE, `${JSON.stringify(report, null, 2)}\n`);
}
