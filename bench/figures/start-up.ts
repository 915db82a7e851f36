import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { trigger } from '../load.ts';
import { routingKey } from '../population.ts';
import { freshEnvironment, type BenchStack } from '../stack.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** P10: seconds from `npm start` to its welcome, on a new data folder and again on the same one. */
export async function startUp(): Promise<{ firstSec: number; againSec: number }> {
  const environment = await freshEnvironment();
  try {
    return { firstSec: await oneStart(environment), againSec: await oneStart(environment) };
  } finally {
    await rm(environment['DATA_DIR'] ?? '', { recursive: true, force: true });
  }
}

async function oneStart(environment: Record<string, string>): Promise<number> {
  const startedAt = performance.now();
  const child = spawn('npm', ['start', '--silent'], {
    cwd: root,
    env: environment,
    detached: true,
  });
  let output = '';
  const seconds = await new Promise<number>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('PD Lite is running')) resolve((performance.now() - startedAt) / 1000);
    });
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('exit', () => reject(new Error(`npm start ended: ${output.slice(-2000)}`)));
  });
  // npm ends before the starter does; the output closes with the last of them.
  const ended = new Promise((resolve) => child.once('close', resolve));
  if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
  await ended;
  return Math.round(seconds * 10) / 10;
}

/** P10: worker SIGKILLed, an alert sent at that moment; seconds until its page arrives. */
export async function workerKill(bench: BenchStack, times = 5): Promise<readonly number[]> {
  const seconds: number[] = [];
  for (let n = 0; n < times; n += 1) {
    const worker = bench.stack.processes().find(({ name }) => name === 'worker');
    if (worker?.pid === undefined) throw new Error('no worker to kill');
    const key = `p10-${n}-${Date.now()}`;
    process.kill(worker.pid, 'SIGKILL');
    const killedAt = performance.now();
    await trigger(bench.apiUrl, routingKey(500 + n), key);
    await bench.receiver.until(() => bench.receiver.arrivals.has(key), 60_000);
    seconds.push(Math.round((performance.now() - killedAt) / 100) / 10);
    await new Promise((resolve) => setTimeout(resolve, 5000));
  }
  return seconds;
}
