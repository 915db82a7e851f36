import { DeliveryError } from './provider.ts';

/**
 * The work's result, or a `Timeout` when it takes longer. `onTimeout` ends what still runs: what was
 * handed over by then may have arrived, so a further try can deliver a second copy.
 */
export async function withDeadline<T>(
  ms: number,
  work: Promise<T>,
  onTimeout: () => void = () => undefined,
): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    onTimeout();
    reject(new DeliveryError('Timeout', `No answer within ${ms} ms.`));
  }, ms);
  // A loser of the race may fail later, when nobody listens any more.
  work.catch(() => undefined);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}
