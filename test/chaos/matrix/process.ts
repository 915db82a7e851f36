import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { until } from '../../support/until.ts';
import type { LedgerLine, WorkerTask } from './faults.ts';

const script = fileURLToPath(new URL('worker.ts', import.meta.url));
const READY_MS = 60_000;

/** A worker process, and the ledger that outlives it: pass the same list to the next one. */
export class WorkerProcess {
  private readonly child: ChildProcess;
  private isReady = false;

  constructor(task: WorkerTask, ledger: LedgerLine[]) {
    this.child = fork(script, [JSON.stringify(task)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.child.on('message', (line: LedgerLine) => {
      if (line.type === 'ready') this.isReady = true;
      else ledger.push(line);
    });
  }

  async ready(): Promise<this> {
    await until(() => {
      if (this.child.exitCode !== null) throw new Error('the worker process has ended');
      return this.isReady;
    }, READY_MS);
    return this;
  }

  /** SIGKILL: nothing that was under way gets to an end. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }
}
