import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { inheritedEnvironment } from '../../platform/config.ts';
import { endProcess } from '../../platform/embedded/process.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const STOP_MS = 20_000;
const READY_MS = 60_000;

/** One process of the product, started as an operator starts it. Its output is kept over restarts. */
export class ProductProcess {
  readonly #script: string;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #readyUrl: string;
  #child: ChildProcess | undefined;
  #output = '';

  constructor(script: string, environment: Readonly<Record<string, string>>, readyUrl: string) {
    this.#script = script;
    this.#environment = environment;
    this.#readyUrl = readyUrl;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get output(): string {
    return this.#output;
  }

  /** Resolves when it says that it is ready. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [path.join(root, this.#script)], {
      env: { ...inheritedEnvironment(), ...this.#environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const collect = (chunk: Buffer): void => void (this.#output += chunk.toString());
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    this.#child = child;
    const until = Date.now() + READY_MS;
    while (!(await isReady(this.#readyUrl))) {
      if (child.exitCode !== null || Date.now() > until)
        throw new Error(`${this.#script} did not become ready: ${this.#output.slice(-4000)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** SIGTERM, and SIGKILL after 20 s. */
  async stop(): Promise<void> {
    if (this.#child) await endProcess(this.#child, 'SIGTERM', STOP_MS);
    this.#child = undefined;
  }

  /** SIGSTOP: as a process whose event loop stands still; SIGCONT lets it go on. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(name);
  }

  /** As a machine that loses its power. */
  async kill(): Promise<void> {
    if (this.#child) await endProcess(this.#child, 'SIGKILL', STOP_MS);
    this.#child = undefined;
  }
}

function isReady(url: string): Promise<boolean> {
  return fetch(url).then(
    (response) => response.ok,
    () => false,
  );
}
