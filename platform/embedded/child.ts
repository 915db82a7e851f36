import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';

import { withLogFile } from './log-file.ts';
import { StartError } from './settings.ts';

export interface ChildOptions {
  readonly name: string;
  /** Entry point, from the project's folder. */
  readonly script: string;
  readonly args?: readonly string[];
  readonly root: string;
  readonly dataDir: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Called at each start with the new process id. */
  readonly onSpawn?: (pid: number) => void;
}

const RESTART_DELAYS_MS = [200, 500, 1000, 2000, 5000, 10_000] as const;
const STOP_LIMIT_MS = 15_000;
/** A process that ran this long was healthy, so the next restart is quick again. */
const HEALTHY_AFTER_MS = 60_000;

/**
 * One process of the embedded stack. Its output goes to `{data}/logs/{name}.log`. Killed or crashed, it is
 * started again after a delay that grows to 10 s.
 */
export class Child {
  readonly name: string;
  readonly #options: ChildOptions;
  #process: ChildProcess | undefined;
  #stopping = false;
  #held = false;
  #restarts = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ChildOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  start(): void {
    const startedAt = Date.now();
    const child = launch(this.#options);
    this.#process = child;
    child.once('exit', (code, signal) => {
      if (this.#stopping || this.#held) return;
      if (Date.now() - startedAt > HEALTHY_AFTER_MS) this.#restarts = 0;
      const delay = RESTART_DELAYS_MS[Math.min(this.#restarts, RESTART_DELAYS_MS.length - 1)] ?? 0;
      this.#restarts += 1;
      console.log(
        `! ${this.name} ended (${signal ?? `exit code ${code ?? '?'}`}); starting it again in ${delay} ms. Log: ${logFile(this.#options)}`,
      );
      this.#timer = setTimeout(() => this.start(), delay);
    });
  }

  /** Whatever ends it from now on, it stays down until `release`. */
  hold(): void {
    this.#held = true;
  }

  /** Starts it again if it is down. */
  release(): void {
    this.#held = false;
    const child = this.#process;
    if (child && (child.exitCode !== null || child.signalCode !== null)) this.start();
  }

  /** SIGTERM, and SIGKILL after 15 s. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const limit = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    child.kill('SIGTERM');
    await ended;
    clearTimeout(limit);
  }
}

/**
 * Runs a script to its end and answers what it printed.
 * @throws StartError with its last line when it fails.
 */
export async function runToEnd(options: ChildOptions): Promise<string> {
  const child = launch(options, 'pipe');
  let output = '';
  const collect = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-20_000);
  };
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) {
    throw new StartError(`${options.name} failed: ${output.trim().split('\n').at(-1) ?? ''}`);
  }
  return output;
}

/** Loaded first: ends the child when this process is gone. */
const GUARD = new URL('end-with-parent.ts', import.meta.url).href;

/** With as many arenas as glibc takes by itself a worker under load keeps 0.75 GB more (figure P9). */
const MALLOC = { MALLOC_ARENA_MAX: '2' };

function launch(options: ChildOptions, output: 'file' | 'pipe' = 'file'): ChildProcess {
  const start = (stdio: number | 'pipe'): ChildProcess =>
    spawn(process.execPath, ['--import', GUARD, options.script, ...(options.args ?? [])], {
      cwd: options.root,
      env: { ...MALLOC, ...options.environment },
      stdio: ['ignore', stdio, stdio, 'ipc'],
      // Its own process group: Ctrl-C reaches only the parent, which stops the children in order.
      detached: true,
    });
  const child = output === 'pipe' ? start('pipe') : withLogFile(logFile(options), start);
  if (child.pid !== undefined) options.onSpawn?.(child.pid);
  return child;
}

function logFile(options: ChildOptions): string {
  return path.join(options.dataDir, 'logs', `${options.name}.log`);
}
