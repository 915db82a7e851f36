/** The work took longer than it may; it may have been done all the same. */
export class LateError extends Error {
  override readonly name = 'LateError';
}

/**
 * The work's result, if it comes within `ms`. What still runs then is left alone, but for what `onTimeout` ends.
 * @throws LateError
 */
export async function within<T>(ms: number, work: Promise<T>, onTimeout?: () => void): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    onTimeout?.();
    reject(new LateError(`timeout expired: no answer within ${ms} ms`));
  }, ms);
  // A loser of the race may fail later, when nobody listens any more.
  work.catch(() => undefined);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}
