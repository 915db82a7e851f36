import { setTimeout as sleep } from 'node:timers/promises';
import type { Delivery, DeliveryOutcome, FailedProvider } from '../domain/responder/types.ts';
import { DeliveryError } from '../providers/provider.ts';
import type { Outgoing, Provider } from '../providers/provider.ts';
import type { DeliveryDeps } from './delivery.ts';

/** All tries together, milliseconds: below the activity's own ten seconds. */
const TOTAL_MS = 9000;
/** The longest one provider may take before the next has its turn, milliseconds. */
const ONE_MS = 5500;
/** Less than this is no use to a provider, milliseconds. */
const LEAST_MS = 300;
/** A provider that asks to be left alone no longer than this is waited for although there is another, milliseconds. */
const SHORT_WAIT_MS = 1000;
/** After so long it is asked again whether the message is still wanted, milliseconds. */
const FRESH_MS = 1000;
/** Longest text about what went wrong. */
const REASON = 400;

export interface Sending {
  readonly delivery: Delivery;
  readonly outgoing: Outgoing;
}

export interface SendOptions {
  /** What is still wanted of a message some time later; null: nothing. */
  readonly refresh: (sending: Sending) => Promise<Sending | null>;
  /** Whether a provider that asks for a pause gets a second try: once for a page, so that it has three tries at most. */
  readonly isPatient: boolean;
}

type Deps = Pick<DeliveryDeps, 'now' | 'withSpan' | 'logger' | 'health' | 'metrics'>;
type Failure = FailedProvider & { readonly error: DeliveryError };

/**
 * Tries the providers, in the order that their health gives, within nine seconds. A bad destination ends it at
 * once: the next provider would only burn too. Each later try first asks whether the message is still wanted.
 */
export async function sendByProviders(
  deps: Deps,
  first: Sending,
  options: SendOptions,
): Promise<DeliveryOutcome> {
  const endMs = deps.now() + TOTAL_MS;
  const providers = deps.health.order(first.delivery);
  const failures: Failure[] = [];
  let sending = { ...first, freshMs: deps.now() };
  for (const [index, provider] of providers.entries()) {
    if (endMs - deps.now() < LEAST_MS) break;
    if (deps.now() - sending.freshMs > FRESH_MS) {
      const wanted = await options.refresh(sending);
      if (!wanted) return { result: 'stale', at: iso(deps.now()) };
      sending = { ...wanted, freshMs: deps.now() };
    }
    const isLast = index === providers.length - 1;
    const patienceMs = options.isPatient ? (isLast ? Infinity : SHORT_WAIT_MS) : 0;
    const result = await sendPatiently(deps, provider, sending, { endMs, patienceMs });
    if (!(result instanceof DeliveryError)) {
      const after = failures.map(({ provider: id, failure }) => ({ provider: id, failure }));
      const accepted = { result: 'accepted', at: iso(deps.now()), provider: provider.id } as const;
      return { ...accepted, ...result, ...(after.length === 0 ? {} : { after }) };
    }
    failures.push({ provider: provider.id, failure: result.kind, error: result });
    if (result.kind === 'InvalidDestination') break;
  }
  return failed(deps, first, failures);
}

function failed(deps: Deps, { delivery }: Sending, failures: readonly Failure[]): DeliveryOutcome {
  const at = iso(deps.now());
  const last = failures.at(-1);
  if (!last) {
    const reason = `No provider of ${delivery.channel} can be used now.`;
    return { result: 'failed', at, provider: null, reason, failure: 'ProviderUnavailable' };
  }
  const { provider, failure } = last;
  const rejected = failure === 'InvalidDestination';
  const told = failures.map((one) => `${one.provider}: ${one.error.message}`).join(' ');
  const reason = rejected ? last.error.message : told.slice(0, REASON);
  return { result: rejected ? 'rejected' : 'failed', at, provider, reason, failure };
}

interface Limits {
  readonly endMs: number;
  /** The longest pause that the provider may ask for. */
  readonly patienceMs: number;
}

/** One try, and one more when the provider asks for a pause that there is time for. */
async function sendPatiently(deps: Deps, provider: Provider, sending: Sending, limits: Limits) {
  const result = await sendOnce(deps, provider, sending, limits.endMs);
  const waitMs = result instanceof DeliveryError ? result.retryAfterMs : null;
  if (waitMs === null || waitMs > limits.patienceMs) return result;
  if (deps.now() + waitMs > limits.endMs - LEAST_MS) return result;
  await sleep(waitMs);
  return sendOnce(deps, provider, sending, limits.endMs);
}

/** What the provider answered, which its health learns from. Never throws. */
async function sendOnce(
  deps: Deps,
  provider: Provider,
  { delivery, outgoing }: Sending,
  endMs: number,
): Promise<{ readonly providerId: string } | DeliveryError> {
  const { deliveryId, channel, traceparent } = delivery;
  const limitMs = Math.min(ONE_MS, endMs - deps.now());
  const attributes = { channel, provider: provider.id };
  deps.health.began(provider, channel);
  try {
    const { providerId } = await deps.withSpan('deliver', { traceparent, attributes }, () =>
      within(limitMs, provider.send(outgoing, deliveryId)),
    );
    deps.health.succeeded(provider, channel);
    return { providerId };
  } catch (thrown) {
    const error = typed(thrown);
    deps.health.failed(provider, channel, error);
    deps.metrics.providerFailed({ channel, provider: provider.id, failure: error.kind });
    const facts = { deliveryId, channel, provider: provider.id, failure: error.kind };
    deps.logger.warn(facts, 'provider failed');
    return error;
  }
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
