import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';

import { spawnLogged, type LoggedProcess } from './log-file.ts';
import { endProcess, freePort, isPortFree } from './process.ts';
import { StartError } from './settings.ts';

const run = promisify(execFile);
const READY_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 10_000;

export interface TemporalOptions {
  /** Path of the `temporal` CLI, from `findTemporalCli`. */
  readonly executable: string;
  /** Port of 127.0.0.1; 0 takes a free one. */
  readonly port: number;
  /** Port of the UI; 0 takes a free one, null starts none. */
  readonly uiPort: number | null;
  /** Database file; null keeps everything in memory, for tests. */
  readonly dbFile: string | null;
  readonly log: (line: string) => void;
  /** Custom search attributes to register at once, name → type. */
  readonly searchAttributes?: Readonly<Record<string, string>>;
  readonly namespaces?: readonly string[];
  /** Where its output goes; kept only to explain a failed start when missing. */
  readonly logFile?: string;
  /** Called at once with the process id. */
  readonly onSpawn?: (pid: number) => void;
}

export interface EmbeddedTemporal {
  /** `host:port` of the frontend. */
  readonly address: string;
  readonly uiUrl: string | null;
  /** Of the server, for chaos tests. */
  readonly pid: number;
  stop(): Promise<void>;
}

/**
 * Starts Temporal's development server and waits until it serves. The database file is written with a
 * write-ahead log and `synchronous=2`: durable, and as fast as memory.
 * @throws StartError for a taken port or a server that does not come up.
 */
export async function startTemporal(options: TemporalOptions): Promise<EmbeddedTemporal> {
  const port = options.port === 0 ? await freePort() : options.port;
  const uiPort = options.uiPort === 0 ? await freePort() : options.uiPort;
  for (const [name, wanted] of [
    ['EMBEDDED_TEMPORAL_PORT', port],
    ['EMBEDDED_TEMPORAL_UI_PORT', uiPort],
  ] as const) {
    if (wanted === null || (await isPortFree(wanted))) continue;
    throw new StartError(
      `Port ${wanted} is taken, so Temporal cannot start there. Stop what listens on it, or set ${name}.`,
    );
  }
  if (options.dbFile !== null) await mkdir(path.dirname(options.dbFile), { recursive: true });
  const logged = spawnLogged(options.executable, serverArguments(options, port, uiPort), {
    logFile: options.logFile,
    // Ctrl-C must not end the engine before those who use it.
    detached: true,
  });
  const child = logged.process;
  if (child.pid !== undefined) options.onSpawn?.(child.pid);
  const address = `127.0.0.1:${port}`;
  await untilServing(logged, { executable: options.executable, address, port });
  return {
    address,
    uiUrl: uiPort === null ? null : `http://127.0.0.1:${uiPort}`,
    pid: child.pid ?? 0,
    stop: () => endProcess(child, 'SIGTERM', STOP_LIMIT_MS),
  };
}

const PROBLEMS_NAMED_AFTER = 'system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute';

function serverArguments(options: TemporalOptions, port: number, uiPort: number | null): string[] {
  const { dbFile, searchAttributes = {}, namespaces = [] } = options;
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'warn'],
    ...(uiPort === null ? ['--headless'] : ['--ui-port', String(uiPort)]),
    ...(dbFile === null
      ? []
      : [
          ...['--db-filename', dbFile, '--sqlite-pragma', 'journal_mode=wal'],
          ...['--sqlite-pragma', 'synchronous=2'],
        ]),
    ...Object.entries(searchAttributes).flatMap(([name, type]) => [
      '--search-attribute',
      `${name}=${type}`,
    ]),
    ...namespaces.flatMap((name) => ['--namespace', name]),
    // Workflows that cannot go on are named, and repaired (worker/repair-workflows.ts), after two failures instead of five.
    ...['--dynamic-config-value', `${PROBLEMS_NAMED_AFTER}=2`],
    // Accounts take turns in task queues (temporal-config/names.ts, startOptions).
    ...['--dynamic-config-value', 'matching.enableFairness=true'],
    // Turns are taken within a partition. What older versions wrote into others is still read from there.
    ...['--dynamic-config-value', 'matching.numTaskqueueWritePartitions=1'],
  ];
}

interface Waiting {
  readonly executable: string;
  readonly address: string;
  readonly port: number;
}

async function untilServing(
  { process: child, output }: LoggedProcess,
  waiting: Waiting,
): Promise<void> {
  const deadline = Date.now() + READY_LIMIT_MS;
  let failure: Error | undefined;
  child.once('error', (error) => (failure = error));
  while (!(await isServing(waiting))) {
    if (failure !== undefined || child.exitCode !== null || child.signalCode !== null) {
      throw new StartError(`Temporal ended at once: ${failure?.message ?? output().slice(-600)}`);
    }
    if (Date.now() > deadline) {
      await endProcess(child, 'SIGTERM', STOP_LIMIT_MS);
      throw new StartError(`Temporal was not ready after ${READY_LIMIT_MS / 1000} s.`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The port is tried first: asking the CLI costs a process each time. */
async function isServing({ executable, address, port }: Waiting): Promise<boolean> {
  if (!(await accepts(port))) return false;
  try {
    const { stdout } = await run(
      executable,
      ['operator', 'cluster', 'health', '--address', address],
      { timeout: 10_000 },
    );
    return stdout.includes('SERVING');
  } catch {
    return false;
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
