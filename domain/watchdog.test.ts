// The watchdog reports what stays down within a minute, once, again at growing pauses, and its recovery; never a
// restart, never because it stood still itself.
import fc from 'fast-check';
import { describe as group, expect, it } from 'vitest';

import { describe, FRESH_WATCHDOG, judge, type Notice } from './watchdog.ts';

const LOOK_MS = 10_000;
/** One part, one character a look: `.` answers, `x` fails, `X` fails for sure; notices with their second. */
function run(looks: string, everyMs = LOOK_MS): readonly (readonly [number, Notice['kind']])[] {
  let state = FRESH_WATCHDOG;
  return Array.from(looks).flatMap((look, n) => {
    const at = n * everyMs;
    const result = { name: 'api', ok: look === '.', detail: '', confirmed: look === 'X' };
    const judged = judge(state, [result], at);
    state = judged.state;
    return judged.notices.map(({ kind }) => [at / 1000, kind] as const);
  });
}

group('judge', () => {
  it('reports a part that stops within 50 s, and its recovery', () => {
    expect(run('...xxxxxx..')).toEqual([
      [60, 'down'],
      [100, 'recovered'],
    ]);
  });
  it('reports at once what was confirmed before, once, and its recovery', () => {
    expect(run('..XXXX..X..')).toEqual([
      [20, 'down'],
      [70, 'recovered'],
    ]);
  });
  it('takes a restart for no alarm', () => {
    expect(run('..xxx...xxx...')).toEqual([]);
  });
  it('repeats at growing pauses', () => {
    const kinds = run('x'.repeat(360 * 3)).map(([at]) => at);
    expect(kinds).toEqual([30, 330, 930, 1830, 3630, 7230]);
  });
  it('does not report a part that comes and goes more often than every 5 minutes', () => {
    const downs = run('xxxx...'.repeat(100)).filter(([, kind]) => kind === 'down');
    for (const [n, [at]] of downs.entries()) {
      if (n > 0) expect(at - (downs[n - 1]?.[0] ?? 0)).toBeGreaterThanOrEqual(300);
    }
  });
  it('takes nothing for evidence that it saw before it stood still', () => {
    expect(run('xxx', 40_000)).toEqual([]);
  });
  it('never reports while all is well, and every recovery follows a report', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('.', '.', 'x'), { maxLength: 300 }), (looks) => {
        let down = false;
        for (const [at, kind] of run(looks.join(''))) {
          const from = at / 10;
          if (kind === 'recovered') {
            expect(down).toBe(true);
            down = false;
          } else {
            if (kind === 'down') expect(looks.slice(from - 2, from + 1).join('')).toBe('xxx');
            down = true;
          }
        }
      }),
    );
  });
});

group('describe', () => {
  it('names what is down and since when', () => {
    const sinceMs = Date.parse('2026-11-01T10:00:00Z');
    expect(describe([{ kind: 'down', name: 'api', sinceMs, detail: 'refused' }])).toEqual({
      title: 'PD Lite watchdog: down: api',
      text: 'api: down since 2026-11-01 10:00:00 UTC: refused',
    });
  });
});
