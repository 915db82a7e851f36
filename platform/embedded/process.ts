import type { ChildProcess } from 'node:child_process';
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

/** A port of 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
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
