import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { findTemporalCli } from '../../platform/embedded/find-temporal.ts';
import { freePort } from '../../platform/embedded/process.ts';
import { startTemporal, type EmbeddedTemporal } from '../../platform/embedded/temporal.ts';

/** A Temporal of a test's own, with its data on disk: it can really be killed, hung and started again. */
export class OwnTemporal {
  readonly address: string;
  readonly #folder: string;
  readonly #port: number;
  #running: EmbeddedTemporal | undefined;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.#port = port;
    this.address = `127.0.0.1:${port}`;
  }

  static async start(): Promise<OwnTemporal> {
    const folder = await mkdtemp(path.join(tmpdir(), 'pdlite-own-temporal-'));
    const own = new OwnTemporal(folder, await freePort());
    await own.restart();
    return own;
  }

  /** On the same address and data. */
  async restart(): Promise<void> {
    const log = (): void => undefined;
    const dbFile = path.join(this.#folder, 'temporal.db');
    const executable = await findTemporalCli({ log });
    this.#running = await startTemporal({
      executable,
      port: this.#port,
      uiPort: null,
      dbFile,
      log,
    });
  }

  /** As a machine that loses its power. */
  async kill(): Promise<void> {
    this.#send('SIGKILL');
    await this.#running?.stop();
    this.#running = undefined;
  }

  /** It stands still, and its connections stay open. */
  hang(): void {
    this.#send('SIGSTOP');
  }

  resume(): void {
    this.#send('SIGCONT');
  }

  async close(): Promise<void> {
    if (this.#running) await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #send(signal: NodeJS.Signals): void {
    if (this.#running) process.kill(this.#running.pid, signal);
  }
}
