// Whoever reads the log learns that nothing is drained, and why, once a minute, and that it goes on.
import { pino } from 'pino';
import { expect, test } from 'vitest';

import { DrainTrouble } from './drain-trouble.ts';

function start() {
  const lines: string[] = [];
  const write = (line: string): void => {
    const { level, msg, seconds, reason } = JSON.parse(line) as Record<string, string | number>;
    lines.push([level, msg, seconds, reason].join(' ').trim());
  };
  const clock = { ms: 0 };
  return { lines, clock, trouble: new DrainTrouble(pino({}, { write }), () => clock.ms) };
}
const slow = Object.assign(new Error('canceling statement due to statement timeout'), {
  code: '57014',
});

test('a statement that always takes too long is told after ten seconds, then every minute', () => {
  const { lines, clock, trouble } = start();
  for (; clock.ms <= 131_000; clock.ms += 1000) trouble.failed(slow);
  const reason = 'canceling statement due to statement timeout (57014)';
  expect(lines).toEqual([
    `40 the spill cannot be drained 10 ${reason}`,
    `40 the spill cannot be drained 70 ${reason}`,
    `40 the spill cannot be drained 130 ${reason}`,
  ]);
  trouble.succeeded();
  trouble.succeeded();
  expect(lines.at(-1)).toBe('30 the spill is drained again 132');
  expect(lines).toHaveLength(4);
});

test('a short failure is not told, nor its end; a mistake of ours at once', () => {
  const { lines, clock, trouble } = start();
  for (; clock.ms < 5000; clock.ms += 1000) trouble.failed(slow);
  trouble.succeeded();
  expect(lines).toEqual([]);
  trouble.failed(new TypeError('no such thing'));
  expect(lines).toEqual(['50 draining failed 0 no such thing']);
});
