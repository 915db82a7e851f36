import { identityOf } from '../../platform/embedded/process-identity.ts';

interface Known {
  readonly pid: number;
  readonly identity: string;
}

/** Names that can be known at once; a further one is refused. */
const PROCESSES_MAX = 100;

/** The processes that may be signalled: those that whoever started them has named here, and no others. */
export class Processes {
  readonly #known = new Map<string, Known>();

  /**
   * Names a process, or says that the name now means another one.
   * @throws RangeError for one that does not run, or the hundred and first name.
   */
  name(name: string, pid: number): void {
    const identity = identityOf(pid);
    if (typeof identity !== 'string') throw new RangeError(`No process ${pid} runs.`);
    if (!this.#known.has(name) && this.#known.size >= PROCESSES_MAX)
      throw new RangeError(`${PROCESSES_MAX} processes are named already.`);
    this.#known.set(name, { pid, identity });
  }

  /** @throws RangeError when nobody has named it, or it has ended. */
  find(name: string): Known {
    const known = this.#known.get(name);
    if (!known) throw new RangeError(`No process is named ${name}.`);
    if (identityOf(known.pid) !== known.identity) throw new RangeError(`${name} has ended.`);
    return known;
  }
}

/** Signals a process, unless it has ended and its id belongs to another one now. */
export function signal({ pid, identity }: Known, name: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL'): void {
  if (identityOf(pid) !== identity) return;
  try {
    process.kill(pid, name);
  } catch (error) {
    // It ended between the look and the signal.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
