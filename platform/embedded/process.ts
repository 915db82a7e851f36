import type { ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Ends a child: `signal`, and SIGKILL when it still runs after `limitMs`. Resolves when it is gone.
 */
export async function endProcess(
  child: ChildProcess,
  signal: NodeJS.Signals,
  limitMs: number,
): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const limit = setTimeout(() => child.kill('SIGKILL'), limitMs);
  child.kill(signal);
  await ended;
  clearTimeout(limit);
}

/** Whether nothing listens on this port of 127.0.0.1. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Below those that systems give to outgoing connections: none of these can take one before its server does. */
const PORTS = [20_000, 32_000] as const;
const PORT_TRIES = 100;

/** A port of 127.0.0.1 that was free a moment ago. @throws RangeError when there is none among a hundred. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORT_TRIES; tries += 1) {
    const port = randomInt(...PORTS);
    if (await isPortFree(port)) return port;
  }
  throw new RangeError(`No port between ${PORTS.join(' and ')} is free.`);
}

/** Keeps the end of what a process printed, to explain its death. */
export function tail(limit = 4000): { add(chunk: Buffer): void; text(): string } {
  let kept = '';
  return {
    add: (chunk) => {
      kept = (kept + chunk.toString()).slice(-limit);
    },
    text: () => kept.trim(),
  };
}
