import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import path from 'node:path';

/** An append-only file of JSON values, one a line. */
export interface JsonLines {
  /** Returns when the operating system has the line: it survives the death of this process, not that of the machine. After `close` nothing is written. */
  append(value: unknown): void;
  close(): void;
}

/** Opens a file of JSON lines for appending, private to this user; makes it and its folder when missing. */
export function openJsonLines(file: string): JsonLines {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const descriptor = openSync(file, 'a', 0o600);
  let open = true;
  return {
    append: (value) => {
      if (open) writeSync(descriptor, `${JSON.stringify(value)}\n`);
    },
    close: () => {
      if (open) closeSync(descriptor);
      open = false;
    },
  };
}

/**
 * Reads the values of such a file, in order; none when there is no file. A last line without its end, cut off
 * with its writer, is left out.
 * @throws SyntaxError for any other line that is not JSON.
 */
export function readJsonLines(file: string): readonly unknown[] {
  const lines = readText(file).split('\n');
  return lines.slice(0, -1).map((line): unknown => JSON.parse(line));
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}
