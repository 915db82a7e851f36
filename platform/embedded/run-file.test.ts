// Property: a data folder has one run at a time; what a killed run left is ended by the next one, and a process
// that merely got the same id is never touched.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';

import { endProcess } from './process.ts';
import { identityOf } from './process-identity.ts';
import { RunFile } from './run-file.ts';

const said: string[] = [];
const children: ChildProcess[] = [];
let folder: string;
beforeEach(async () => {
  said.length = 0;
  folder = await mkdtemp(path.join(tmpdir(), 'pdlite-run-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) await endProcess(child, 'SIGKILL', 5000);
  await rm(folder, { recursive: true, force: true });
});

const claim = (): Promise<RunFile> => RunFile.claim(folder, (line) => said.push(line));

/** A process that does nothing until it is ended. */
function idle(script = 'setInterval(() => undefined, 1000)'): number {
  const child = spawn(process.execPath, ['-e', script], { stdio: 'ignore' });
  children.push(child);
  return child.pid ?? 0;
}

/** What a run writes that was killed before it could remove it; its starter is gone. */
async function leave(...processes: readonly (readonly [number, string | null])[]): Promise<void> {
  const gone = { name: 'npm start', pid: 4_194_305, identity: 'gone', signal: 'SIGTERM' };
  const left = processes.map(([pid, identity]) => ({ ...gone, name: 'temporal', pid, identity }));
  await writeFile(
    path.join(folder, 'run.json'),
    JSON.stringify({ starter: gone, processes: left }),
  );
}

test('a second run is refused while the first lives, and not after it', async () => {
  const first = await claim();
  await expect(claim()).rejects.toThrow(`already runs on ${folder} (process ${process.pid})`);
  first.release();
  (await claim()).release();
  expect(said).toEqual([]);
});

test('only one of many that begin at once gets the folder', async () => {
  const results = await Promise.allSettled([claim(), claim(), claim()]);
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
});

test('what a killed run left is ended', async () => {
  const pid = idle();
  await leave([pid, identityOf(pid) ?? null]);
  await claim();
  expect(identityOf(pid)).toBeNull();
  expect(said).toEqual([`An earlier run was killed; ending what it left: temporal ${pid} …`]);
});

test('a process that got the id of an ended one is not touched', async () => {
  const pid = idle();
  await leave([pid, 'another start time'], [4_194_306, 'gone'], [process.pid, null]);
  await claim();
  expect(identityOf(pid)).toEqual(expect.any(String));
  expect(said).toEqual([]);
});

test('a file that nobody can read is no obstacle', async () => {
  await writeFile(path.join(folder, 'run.json'), '{"starter":');
  (await claim()).release();
});

test('whatever was noted and still runs is ended, of one name the newest', async () => {
  const run = await claim();
  const [earlier, later] = [idle(), idle()];
  run.add('worker', earlier);
  run.add('worker', later);
  await run.endAll();
  expect(identityOf(later)).toBeNull();
  expect(identityOf(earlier)).toEqual(expect.any(String));
});

test('an ended process that nobody has collected does not count as running', async () => {
  // The shell's child ends; the shell, stopped, does not collect it.
  const shell = spawn('sh', ['-c', 'true & echo $!; kill -STOP $$'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  children.push(shell);
  const pid = await new Promise<number>((resolve) =>
    shell.stdout.once('data', (text: Buffer) => resolve(Number(text.toString()))),
  );
  await expect.poll(() => identityOf(pid)).toBeNull();
});
