import { readFile } from 'node:fs/promises';

import { describe, expect, it } from 'vitest';

import { PROBLEMS, REST_ERRORS } from './problems.ts';

// docs/errors.md names every error that the code can answer, and no other.
const page = await readFile(new URL('../docs/errors.md', import.meta.url), 'utf8');
const rows = page.split('\n').map((line) => line.replace(/\s+/g, ' '));
const sorted = (lines: readonly string[]): readonly string[] => [...lines].sort();

describe('docs/errors.md', () => {
  it('has a row for each REST error, and none too many', () => {
    const documented = rows.flatMap((row) => {
      const match = /^\| (\d{3}) \| (\d{4}) \| ([^|]+) \|/.exec(row);
      return match ? [`${match[1]} ${match[2]} ${match[3]}`] : [];
    });
    const known = Object.values(REST_ERRORS).map(
      ({ status, code, message }) => `${status} ${code} ${message}`,
    );
    expect(sorted(documented)).toEqual(sorted(known));
  });

  it('has a row for each problem, and none too many', () => {
    const documented = rows.flatMap((row) => {
      const match = /^\| `([a-z-]+)` \| (\d{3}) \|/.exec(row);
      return match ? [`${match[1]} ${match[2]}`] : [];
    });
    const known = Object.entries(PROBLEMS).map(([name, { status }]) => `${name} ${status}`);
    expect(sorted(documented)).toEqual(sorted(known));
  });
});
