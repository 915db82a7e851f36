// Property: what started last stops first, once, and neither a failing nor a hanging part keeps a process alive.
import { pino } from 'pino';
import { expect, test } from 'vitest';

import { createShutdown } from './shutdown.ts';

const logger = pino({ level: 'silent' });

test('parts stop in reverse order, once, although one fails', async () => {
  const order: string[] = [];
  const codes: number[] = [];
  const shutdown = createShutdown({ logger, limitMs: 1000, exit: (code) => void codes.push(code) });
  shutdown.add('database', () => order.push('database'));
  shutdown.add('broken', () => Promise.reject(new Error('broken')));
  shutdown.add('server', () => order.push('server'));
  await Promise.all([shutdown.run('test'), shutdown.run('again')]);
  expect({ order, codes }).toEqual({ order: ['server', 'database'], codes: [0] });
});

test('a part that hangs ends the process with code 1 at the limit', async () => {
  const code = await new Promise((exit) => {
    const shutdown = createShutdown({ logger, limitMs: 20, exit });
    shutdown.add('hanging', () => new Promise(() => undefined));
    void shutdown.run('test');
  });
  expect(code).toBe(1);
});
