import { readdir, readFile } from 'node:fs/promises';

/** Of Linux, on all machines of today. */
const TICKS_PER_SEC = 100;
const PAGE_BYTES = 4096;

interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  readonly cpuSec: number;
  /** Of those of its children that have ended. */
  readonly endedCpuSec: number;
  readonly rssBytes: number;
}

async function readStat(pid: string): Promise<ProcessStat | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (text === null) return null;
  // The name, in parentheses, may hold spaces.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [, parent = 0] = fields;
  const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15);
  return {
    ...{ pid: Number(pid), parent, rssBytes: (fields[21] ?? 0) * PAGE_BYTES },
    cpuSec: (user + system) / TICKS_PER_SEC,
    endedCpuSec: (endedUser + endedSystem) / TICKS_PER_SEC,
  };
}

/** Seconds of processor time that everything this process has started has used so far: the whole product. */
export async function productCpuSec(): Promise<number> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = (await Promise.all(names.map(readStat))).filter((stat) => stat !== null);
  const family = new Set([process.pid]);
  for (let size = 0; size !== family.size;) {
    size = family.size;
    for (const { pid, parent } of stats) if (family.has(parent)) family.add(pid);
  }
  const secondsOf = ({ pid, cpuSec, endedCpuSec }: ProcessStat): number => {
    if (!family.has(pid)) return 0;
    return pid === process.pid ? endedCpuSec : cpuSec + endedCpuSec;
  };
  return stats.reduce((sum, stat) => sum + secondsOf(stat), 0);
}

/** Of one process: seconds of processor time so far, and memory in megabytes. */
export async function usageOf(pid: number): Promise<{ cpuSec: number; rssMb: number }> {
  const stat = await readStat(String(pid));
  if (!stat) throw new Error(`process ${pid} has ended`);
  return { cpuSec: stat.cpuSec, rssMb: Math.round(stat.rssBytes / 1e6) };
}
