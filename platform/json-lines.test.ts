// What was appended is read back in order, and a line cut off by its writer's death spoils nothing before it.
import { appendFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, expect, test } from 'vitest';

import { openJsonLines, readJsonLines } from './json-lines.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'pdlite-lines-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('values come back in order, over several openings, and nobody else may read them', () => {
  const file = path.join(folder, 'deep', 'a.jsonl');
  expect(readJsonLines(file)).toEqual([]);
  for (const values of [[{ n: 1 }, 'two\nlines'], [null]]) {
    const lines = openJsonLines(file);
    for (const value of values) lines.append(value);
    lines.close();
    lines.append('too late');
  }
  expect(readJsonLines(file)).toEqual([{ n: 1 }, 'two\nlines', null]);
  expect(statSync(file).mode & 0o077).toBe(0);
});

test('a last line without its end is left out; a spoilt line elsewhere is an error', () => {
  const file = path.join(folder, 'b.jsonl');
  appendFileSync(file, '{"n":1}\n{"n":');
  expect(readJsonLines(file)).toEqual([{ n: 1 }]);
  appendFileSync(file, '\n{"n":3}\n');
  expect(() => readJsonLines(file)).toThrow(SyntaxError);
});
