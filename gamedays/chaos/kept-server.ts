import { setTimeout as sleep } from 'node:timers/promises';

import { identityOf } from '../../platform/embedded/process-identity.ts';

export interface Server {
  readonly pid: number;
  stop(): Promise<void>;
}

export interface KeptServerOptions {
  /** Starts it on the same data as before; resolves when it serves. */
  readonly start: () => Promise<Server>;
  /** Called at each start with the new process id. */
  readonly onSpawn: (pid: number) => Promise<void>;
}

const LOOK_EVERY_MS = 100;
/** After a SIGKILL what the server left may be in the way for a moment. */
const START_TRIES = 20;
const AGAIN_MS = 500;

/** A server that is started again when it dies, as a host's supervisor would, unless it is held down. */
export class KeptServer {
  readonly #options: KeptServerOptions;
  #server: Server | null = null;
  #held = false;
  #stopping = false;
  #watching: Promise<void> | null = null;

  constructor(options: KeptServerOptions) {
    this.#options = options;
  }

  get pid(): number | null {
    return this.#server?.pid ?? null;
  }

  async start(): Promise<void> {
    await this.#up();
    this.#watching ??= this.#watch();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#watching;
    await this.#server?.stop();
    this.#server = null;
  }

  /** Whatever ends it from now on, it stays down until `release`. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
  }

  async #watch(): Promise<void> {
    while (!this.#stopping) {
      await sleep(LOOK_EVERY_MS);
      if (this.#server && identityOf(this.#server.pid) === null) this.#server = null;
      if (!this.#server && !this.#held) await this.#up();
    }
  }

  async #up(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const server = await this.#options.start();
        await this.#options.onSpawn(server.pid);
        this.#server = server;
        return;
      } catch (error) {
        if (attempt >= START_TRIES) throw error;
        await sleep(AGAIN_MS);
      }
    }
  }
}
