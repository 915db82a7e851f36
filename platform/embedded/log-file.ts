import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import path from 'node:path';

import { tail } from './process.ts';

/** A log that has grown beyond this is put aside as `….1` at the next start; the one before it is dropped. */
const MAX_BYTES = 50_000_000;
const TOLD_CHARACTERS = 4000;

/**
 * Opens a log for appending, private to this user, and closes it again after `use`: a child that was started
 * with it writes there by itself, also when this process is gone.
 */
export function withLogFile<T>(file: string, use: (descriptor: number) => T): T {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  if (sizeOf(file) > MAX_BYTES) renameSync(file, `${file}.1`);
  const descriptor = openSync(file, 'a', 0o600);
  try {
    return use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

export interface LoggedProcess {
  readonly process: ChildProcess;
  /** The end of what it has printed, to explain its death. */
  readonly output: () => string;
}

/** Starts a server whose output goes to `logFile`, or without one is kept here, the last 4000 characters of it. */
export function spawnLogged(
  command: string,
  args: readonly string[],
  { logFile, ...options }: SpawnOptions & { readonly logFile: string | undefined },
): LoggedProcess {
  const start = (stdio: number | 'pipe'): ChildProcess =>
    spawn(command, args, { ...options, stdio: ['ignore', stdio, stdio] });
  if (logFile === undefined) {
    const child = start('pipe');
    const kept = tail(TOLD_CHARACTERS);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => kept.add(chunk));
    }
    return { process: child, output: () => kept.text() };
  }
  return withLogFile(logFile, (descriptor) => {
    const before = sizeOf(logFile);
    const output = (): string =>
      readFileSync(logFile).subarray(before).toString().slice(-TOLD_CHARACTERS).trim();
    return { process: start(descriptor), output };
  });
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
