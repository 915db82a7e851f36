import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * Tells a process from a later one that got the same id: when it began, and on Linux in which boot. A process
 * that has ended, though nobody has collected it, has none.
 * @returns null when no such process runs; undefined where this system cannot tell.
 */
export function identityOf(pid: number): string | null | undefined {
  if (process.platform === 'linux') return linuxIdentity(pid);
  try {
    const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return started.trim() === '' ? null : started.trim();
  } catch (error) {
    // `ps` answers 1 for a process that is not there.
    return error instanceof Error && 'status' in error && error.status === 1 ? null : undefined;
  }
}

function linuxIdentity(pid: number): string | null {
  const stat = read(`/proc/${pid}/stat`);
  // The second field is the program's name in brackets and may itself hold spaces and brackets.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startedAt] = [fields?.[0], fields?.[19]];
  if (state === undefined || startedAt === undefined || state === 'Z' || state === 'X') return null;
  return `${read('/proc/sys/kernel/random/boot_id')?.trim() ?? ''}/${startedAt}`;
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
