// Whoever sends too much is told to come back within the minute of the window, whatever the machine's clock does.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import { sampleAccount } from '../../test/support/memory-directory.ts';
import { IntegrationLimit } from './integration-limit.ts';

const limited = sampleAccount().integrations.find(({ name }) => name === 'limited');

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('the clock jumps back by hours', async () => {
  if (!limited) throw new Error('the sample has a limited integration');
  const limit = new IntegrationLimit();
  expect(await limit.exceededFor(limited, 2)).toBeNull();
  vi.setSystemTime(Date.now() - 6 * 3_600_000);
  expect(await limit.exceededFor(limited, 1)).toBeLessThanOrEqual(60);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await limit.exceededFor(limited, 1)).toBeNull();
});
