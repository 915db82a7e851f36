import { setTimeout as sleep } from 'node:timers/promises';
import type { Delivery, DeliveryOutcome } from '../domain/responder/types.ts';
import { DeliveryError } from '../providers/provider.ts';
import type { Outgoing, Provider } from '../providers/provider.ts';
import type { DeliveryDeps } from './delivery.ts';

/** All tries together, milliseconds: below the activity's own ten seconds. */
const TOTAL_MS = 9000;
/** The longest one provider may take before the next has its turn, milliseconds. */
const ONE_MS = 5500;
/** Less than this is no use to a provider, milliseconds. */
const LEAST_MS = 300;
/** A provider that asks to be left alone no longer than this gets a second try, milliseconds. */
const SHORT_WAIT_MS = 1000;

export interface Sending {
  readonly delivery: Delivery;
  readonly outgoing: Outgoing;
}

type Deps = Pick<DeliveryDeps, 'now' | 'withSpan' | 'logger'>;

/** Tries the providers in their order within nine seconds. A bad destination ends it at once: the next provider would only burn too. */
export async function sendByProviders(
  deps: Deps,
  providers: readonly Provider[],
  sending: Sending,
): Promise<DeliveryOutcome> {
  const endMs = deps.now() + TOTAL_MS;
  let last = { provider: null as string | null, error: noProvider(sending) };
  for (const provider of providers) {
    if (endMs - deps.now() < LEAST_MS) break;
    try {
      const { providerId } = await sendPatiently(deps, provider, sending, endMs);
      return { result: 'accepted', at: iso(deps.now()), provider: provider.id, providerId };
    } catch (error) {
      last = { provider: provider.id, error: typed(error) };
      if (last.error.kind === 'InvalidDestination') break;
      const { deliveryId, channel } = sending.delivery;
      const facts = { deliveryId, channel, provider: provider.id, failure: last.error.kind };
      deps.logger.warn(facts, 'provider failed');
    }
  }
  const { error, provider } = last;
  const result = error.kind === 'InvalidDestination' ? 'rejected' : 'failed';
  return { result, at: iso(deps.now()), provider, reason: error.message, failure: error.kind };
}

function noProvider({ delivery }: Sending): DeliveryError {
  return new DeliveryError('ConfigMissing', `No provider is configured for ${delivery.channel}.`);
}

/** One try, and one more when the provider asks for a short pause only. */
async function sendPatiently(deps: Deps, provider: Provider, sending: Sending, endMs: number) {
  try {
    return await sendOnce(deps, provider, sending, endMs);
  } catch (error) {
    const waitMs =
      error instanceof DeliveryError && error.kind === 'RateLimited' ? error.retryAfterMs : null;
    if (waitMs === null || waitMs > SHORT_WAIT_MS || deps.now() + waitMs > endMs - LEAST_MS) {
      throw error;
    }
    await sleep(waitMs);
    return sendOnce(deps, provider, sending, endMs);
  }
}

function sendOnce(deps: Deps, provider: Provider, { delivery, outgoing }: Sending, endMs: number) {
  const limitMs = Math.min(ONE_MS, endMs - deps.now());
  const attributes = { channel: delivery.channel, provider: provider.id };
  return deps.withSpan('deliver', { traceparent: delivery.traceparent, attributes }, () =>
    within(limitMs, provider.send(outgoing, delivery.deliveryId)),
  );
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  const cancel = new AbortController();
  const timer = sleep(limitMs, undefined, { signal: cancel.signal }).then(() => {
    throw new DeliveryError('Timeout', `No answer within ${limitMs} ms.`);
  });
  // Whichever comes second has nobody waiting for it any more.
  timer.catch(() => undefined);
  work.catch(() => undefined);
  try {
    return await Promise.race([work, timer]);
  } finally {
    cancel.abort();
  }
}

/** What is not typed is the adapter's own fault: its text may hold anything, so it is not passed on. */
function typed(error: unknown): DeliveryError {
  if (error instanceof DeliveryError) return error;
  return new DeliveryError('ProviderUnavailable', 'The adapter failed.', { cause: error });
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
