import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { isAlive, withFileLock } from './file-lock.ts';
import { identityOf } from './process-identity.ts';
import { StartError } from './settings.ts';

/** A run that is being ended by the next one may take this long. */
const CLAIM_LIMIT_MS = 120_000;
const STOP_LIMIT_MS = 20_000;
const POLL_MS = 50;

interface RunProcess {
  readonly name: string;
  readonly pid: number;
  /** From `identityOf`. */
  readonly identity: string | null;
  /** Asks for an ordered end. */
  readonly signal: 'SIGTERM' | 'SIGINT';
}

interface Run {
  readonly starter: RunProcess;
  /** In the order in which they were started. */
  readonly processes: readonly RunProcess[];
}

/**
 * Who runs on a data folder (`run.json` in it), so that a folder has one run at a time, and so that the next
 * run ends what a killed one left behind. A process is only ever ended when its id and its start time are
 * those that were noted.
 */
export class RunFile {
  readonly #file: string;
  readonly #starter: RunProcess;
  #processes: readonly RunProcess[] = [];

  private constructor(file: string) {
    this.#file = file;
    this.#starter = noted('npm start', process.pid, 'SIGTERM');
  }

  /**
   * Takes the data folder for this process, after ending what a killed run left.
   * @throws StartError when another run has it, or when this system cannot tell what the pids belong to.
   */
  static async claim(dataDir: string, log: (line: string) => void): Promise<RunFile> {
    const file = path.join(dataDir, 'run.json');
    return withFileLock(`${file}.lock`, CLAIM_LIMIT_MS, async () => {
      const earlier = read(file);
      if (earlier !== null) await clearAway(earlier, { dataDir, file, log });
      const mine = new RunFile(file);
      mine.#write();
      return mine;
    });
  }

  /** Whether nothing has been started yet. */
  get isEmpty(): boolean {
    return this.#processes.length === 0;
  }

  /** Notes a process that was just started; of one name only the newest is kept. */
  add(name: string, pid: number, signal: RunProcess['signal'] = 'SIGTERM'): void {
    const entry = noted(name, pid, signal);
    this.#processes = this.#processes.some((one) => one.name === name)
      ? this.#processes.map((one) => (one.name === name ? entry : one))
      : [...this.#processes, entry];
    this.#write();
  }

  /** Ends what was noted and still runs, the newest first; for what nothing else has ended. */
  async endAll(): Promise<void> {
    for (;;) {
      const last = this.#processes.findLast((one) => identityOf(one.pid) === one.identity);
      if (last?.identity == null) return;
      await end(last);
    }
  }

  /** Everything has ended. */
  release(): void {
    rmSync(this.#file, { force: true });
  }

  /** Whole or not at all, however this process ends. */
  #write(): void {
    const run: Run = { starter: this.#starter, processes: this.#processes };
    writeFileSync(`${this.#file}.new`, JSON.stringify(run, null, 2), { mode: 0o600 });
    renameSync(`${this.#file}.new`, this.#file);
  }
}

function noted(name: string, pid: number, signal: RunProcess['signal']): RunProcess {
  return { name, pid, identity: identityOf(pid) ?? null, signal };
}

function read(file: string): Run | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Run;
  } catch {
    // None, or one that nobody can read: what it may have named is then found by ports and lock files.
    return null;
  }
}

interface Place {
  readonly dataDir: string;
  readonly file: string;
  readonly log: (line: string) => void;
}

async function clearAway({ starter, processes }: Run, place: Place): Promise<void> {
  if (runs(starter, place)) {
    throw new StartError(
      `PD Lite already runs on ${place.dataDir} (process ${starter.pid}). Use that one, stop it with Ctrl-C or ` +
        `\`kill ${starter.pid}\`, or start this one with another DATA_DIR and other ports.`,
    );
  }
  const left = processes.filter((one) => runs(one, place));
  if (left.length === 0) return;
  const names = left.map(({ name, pid }) => `${name} ${pid}`).join(' · ');
  place.log(`An earlier run was killed; ending what it left: ${names} …`);
  for (const one of left.reverse()) await end(one);
}

/** Whether this very process still runs. */
function runs({ name, pid, identity }: RunProcess, { file }: Place): boolean {
  if (!isAlive(pid)) return false;
  const now = identityOf(pid);
  if (now !== undefined) return now !== null && now === identity;
  throw new StartError(
    `A killed run may have left ${name} (process ${pid}), and this system cannot tell. End that process if it is ` +
      `PD Lite’s, remove ${file}, and start again.`,
  );
}

async function end({ pid, identity, signal }: RunProcess): Promise<void> {
  const limit = Date.now() + STOP_LIMIT_MS;
  send(pid, signal);
  while (identityOf(pid) === identity) {
    if (Date.now() > limit) send(pid, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) {
      throw new StartError(
        `An earlier run left process ${pid}, which this user may not end. End it, then start again.`,
        { cause: error },
      );
    }
  }
}
