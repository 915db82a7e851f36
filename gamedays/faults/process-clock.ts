import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Where distributions keep the library; those for more than one architecture have a folder for each. */
const FOLDERS = ['/usr/lib', '/usr/lib64', '/usr/local/lib'];
const LIBRARY = 'faketime/libfaketimeMT.so.1';

/** The path of libfaketime for programs with threads; null where it is not installed. */
export function findClockLibrary(): string | null {
  const folders = FOLDERS.filter((folder) => existsSync(folder)).flatMap((folder) => [
    folder,
    ...readdirSync(folder)
      .filter((name) => name.endsWith('-linux-gnu'))
      .map((name) => path.join(folder, name)),
  ]);
  return folders.map((folder) => path.join(folder, LIBRARY)).find(existsSync) ?? null;
}

/** What a process must be started with, so that its clock can be set while it runs; right at first. */
export function clockEnvironment(library: string, file: string): Record<string, string> {
  writeFileSync(file, textOf(0), { mode: 0o644 });
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    // Seconds between two looks at the file.
    FAKETIME_CACHE_DURATION: '1',
    // What measures durations is another clock, which nobody sets.
    DONT_FAKE_MONOTONIC: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    NO_FAKE_STAT: '1',
  };
}

/** Lets the clock of the process with this file be wrong by so much, within a second; 0: it is right. */
export async function setClock(file: string, offsetMs: number): Promise<void> {
  const half = `${file}.new`;
  await writeFile(half, textOf(offsetMs), { mode: 0o644 });
  await rename(half, file);
}

function textOf(offsetMs: number): string {
  return `${offsetMs < 0 ? '-' : '+'}${Math.abs(offsetMs) / 1000}\n`;
}
