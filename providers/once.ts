import type { Sent } from './provider.ts';

const MAX_REMEMBERED = 1000;

/**
 * For vendors without idempotency keys: the last 1,000 successes of this process are remembered by key, so that
 * a delivery that is tried again after it went well is not sent again. Failures are not remembered.
 */
export function sendOnce(): (key: string, send: () => Promise<Sent>) => Promise<Sent> {
  const sent = new Map<string, Sent>();
  return async (key, send) => {
    const before = sent.get(key);
    if (before) return before;
    const result = await send();
    sent.set(key, result);
    const [oldest] = sent.keys();
    if (sent.size > MAX_REMEMBERED && oldest !== undefined) sent.delete(oldest);
    return result;
  };
}
