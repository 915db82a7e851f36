// A part that is down is reported within a minute, also when the clock of the watchdog's machine jumps meanwhile.
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { Pager } from './pager.ts';
import { Watchdog } from './watchdog.ts';

const HOUR = 3_600_000;

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test.each([-6 * HOUR, 6 * HOUR])('the clock jumps by %i ms', async (offMs) => {
  const told: string[] = [];
  const provider = {
    ...{ id: 'push', channels: ['push'] as const, close: () => Promise.resolve() },
    send: (message: object) => {
      told.push('title' in message ? String(message.title) : '');
      return Promise.resolve({ providerId: '1' });
    },
  };
  const logger = pino({ level: 'silent' });
  const pager = new Pager({
    providers: { push: [provider], sms: [], voice: [], email: [], webhook: [] },
    contacts: [{ name: 'Ops', channel: 'push', address: 'ops' }],
    logger,
  });
  const checks = [{ name: 'api', look: () => Promise.resolve('it is gone') }];
  const watchdog = new Watchdog({ checks, pager, logger });
  watchdog.start();
  await vi.advanceTimersByTimeAsync(15_000);
  vi.setSystemTime(Date.now() + offMs);
  await vi.advanceTimersByTimeAsync(45_000);
  await watchdog.stop();
  expect(told).toHaveLength(1);
});
