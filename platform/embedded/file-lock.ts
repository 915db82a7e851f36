import { mkdir, open, readFile, rm } from 'node:fs/promises';
import path from 'node:path';

const POLL_MS = 100;

/**
 * Runs `work` while no other process on this machine holds `file`. The lock of a process that has died is taken over.
 * @throws Error after `limitMs`.
 */
export async function withFileLock<T>(
  file: string,
  limitMs: number,
  work: () => Promise<T>,
): Promise<T> {
  await mkdir(path.dirname(file), { recursive: true });
  const deadline = Date.now() + limitMs;
  while (!(await take(file))) {
    if (Date.now() > deadline) {
      throw new Error(`Another process holds ${file} for more than ${limitMs / 1000} s.`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function take(file: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx');
    await handle.writeFile(String(process.pid));
    await handle.close();
    return true;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  const holder = Number(await readFile(file, 'utf8').catch(() => '0'));
  // An empty file belongs to a process that is just writing its id.
  if (holder > 0 && !isAlive(holder)) await rm(file, { force: true });
  return false;
}

/** Whether a process with this id runs; one that belongs to another user counts. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
