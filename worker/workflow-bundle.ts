import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { bundleWorkflowCode, type Logger as TemporalLogger } from '@temporalio/worker';

import { withFileLock } from '../platform/embedded/file-lock.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const BUILD_LIMIT_MS = 120_000;
/** Older bundles stay, so that switching between two versions stays quick. */
const KEPT = 4;

export interface BundleOptions {
  /** By default `.cache/workflows` of the project. */
  readonly cacheDir?: string;
  readonly logger?: TemporalLogger;
}

/**
 * The workflow code as one file, made by webpack once for each state of the sources: with it a worker starts
 * in less than half a second. Processes that ask at the same time build it once.
 */
export async function workflowBundle(options: BundleOptions = {}): Promise<{ codePath: string }> {
  const cacheDir = options.cacheDir ?? path.join(root, '.cache', 'workflows');
  const codePath = path.join(cacheDir, `${await sourceHash()}.js`);
  if (existsSync(codePath)) return { codePath };
  await withFileLock(`${codePath}.lock`, BUILD_LIMIT_MS, async () => {
    if (existsSync(codePath)) return;
    const { code } = await bundleWorkflowCode({
      workflowsPath: path.join(root, 'workflows', 'index.ts'),
      ...(options.logger === undefined ? {} : { logger: options.logger }),
    });
    const half = `${codePath}.${process.pid}`;
    await writeFile(half, code);
    await rename(half, codePath);
    await removeOld(cacheDir);
  });
  return { codePath };
}

/** Of everything that goes into the bundle: our code and the SDK's version. */
async function sourceHash(): Promise<string> {
  const hash = createHash('sha256');
  hash.update(
    await readFile(createRequire(import.meta.url).resolve('@temporalio/worker/package.json')),
  );
  for (const room of ['workflows', 'domain']) {
    const names = await readdir(path.join(root, room), { recursive: true });
    const sources = names.filter((name) => /\.(ts|js)$/.test(name) && !name.includes('.test.'));
    for (const name of sources.sort()) {
      hash.update(`${room}/${name}\n`).update(await readFile(path.join(root, room, name)));
    }
  }
  return hash.digest('hex').slice(0, 24);
}

async function removeOld(cacheDir: string): Promise<void> {
  const files = (await readdir(cacheDir)).filter((name) => name.endsWith('.js'));
  const aged = await Promise.all(
    files.map(async (name) => ({ name, at: (await stat(path.join(cacheDir, name))).mtimeMs })),
  );
  const old = aged.sort((a, b) => b.at - a.at).slice(KEPT);
  await Promise.all(old.map(({ name }) => rm(path.join(cacheDir, name), { force: true })));
}
