import { createHash } from 'node:crypto';

import {
  admission,
  began,
  CLOSED,
  failed,
  paused,
  probed,
  probeDueMs,
  probing,
  succeeded,
  undecided,
} from '../domain/breaker.ts';
import type { BreakerState } from '../domain/breaker.ts';
import type { Channel } from '../domain/model.ts';
import { providerOrder } from '../domain/provider-order.ts';
import type { Delivery } from '../domain/responder/types.ts';
import type { Logger } from '../platform/logger.ts';
import type { DeliveryError, FailureKind, Provider, ProviderList } from '../providers/provider.ts';

/** What becomes visible of breakers; platform/metrics.ts has the metrics. */
export interface HealthMetrics {
  /** `pdlite_provider_breaker_state` */
  breaker(provider: string, channel: Channel, phase: BreakerState['phase']): void;
  /** `pdlite_provider_probes_total` */
  probe(provider: string, channel: Channel, healthy: boolean): void;
  /** `pdlite_channel_down`: no provider of the channel works. */
  channelDown(channel: Channel, down: boolean): void;
}

export interface HealthDeps {
  readonly providers: ProviderList;
  readonly metrics: HealthMetrics;
  readonly logger: Logger;
  /** Milliseconds by a clock that nobody sets. */
  readonly now: () => number;
  /** See `providerOrder`. */
  readonly sharePercent: number;
}

/** What of a message decides about its providers. */
type Ordered = Pick<Delivery, 'channel' | 'deliveryId' | 'avoidProviders' | 'turn'>;

/** A question for a provider’s health is given up after this, milliseconds. */
const PROBE_MS = 2000;

/**
 * What this process knows of the providers' health: a breaker for each provider and channel, in memory. It
 * decides who is asked in which order, learns from what came of it, and asks providers that failed whether
 * they are well again.
 */
export class ProviderHealth {
  readonly #deps: HealthDeps;
  readonly #states = new Map<string, BreakerState>();
  readonly #down = new Set<Channel>();

  constructor(deps: HealthDeps) {
    this.#deps = deps;
    for (const channel of channelsOf(deps.providers)) {
      deps.metrics.channelDown(channel, false);
      for (const { id } of this.#guarded(channel)) deps.metrics.breaker(id, channel, 'closed');
    }
  }

  /** The providers that are asked for this message, in their order; none when all of them are down and tried already. */
  order({
    channel,
    deliveryId,
    avoidProviders: avoid = [],
    turn = 0,
  }: Ordered): readonly Provider[] {
    const nowMs = this.#deps.now();
    const providers = this.#deps.providers[channel];
    const candidates = providers.map((provider) => ({
      id: provider.id,
      admission: admission(this.#state(provider, channel), nowMs),
    }));
    const { sharePercent } = this.#deps;
    const lot = lotOf(deliveryId);
    const order = providerOrder(candidates, { avoid, sharePercent, lot, turn });
    return order.flatMap((id) => providers.filter((provider) => provider.id === id));
  }

  /** A message leaves for this provider. */
  began(provider: Provider, channel: Channel): void {
    this.#change(provider, channel, (state) => began(state, this.#deps.now()));
  }

  succeeded(provider: Provider, channel: Channel): void {
    this.#change(provider, channel, succeeded);
  }

  /** Learns from a failure: only what is the provider's own fault counts against it. */
  failed(provider: Provider, channel: Channel, error: DeliveryError): void {
    const nowMs = this.#deps.now();
    const { kind, retryAfterMs } = error;
    this.#change(provider, channel, (state) => {
      if (!isOwnFault(kind)) return undecided(state);
      if (retryAfterMs !== null && retryAfterMs > 0) return paused(state, retryAfterMs, nowMs);
      return failed(state, nowMs);
    });
  }

  /** Asks every provider whose health is due; resolves when all have answered, after two seconds at most. */
  async probe(): Promise<void> {
    const nowMs = this.#deps.now();
    const due = channelsOf(this.#deps.providers).flatMap((channel) =>
      this.#guarded(channel)
        .filter((provider) => (probeDueMs(this.#state(provider, channel)) ?? Infinity) <= nowMs)
        .map((provider) => this.#probeOne(provider, channel)),
    );
    await Promise.all(due);
  }

  /** Probes by itself from now on. @returns how to stop. */
  start(everyMs = 500): () => void {
    const timer = setInterval(() => void this.probe(), everyMs);
    timer.unref();
    return () => clearInterval(timer);
  }

  async #probeOne(provider: Provider, channel: Channel): Promise<void> {
    this.#change(provider, channel, (state) => probing(state, this.#deps.now()));
    const healthy = await isHealthy(provider, channel);
    this.#deps.metrics.probe(provider.id, channel, healthy);
    this.#change(provider, channel, (state) => probed(state, healthy, this.#deps.now()));
  }

  #guarded(channel: Channel): readonly Provider[] {
    return this.#deps.providers[channel].filter((provider) => provider.check !== undefined);
  }

  #state(provider: Provider, channel: Channel): BreakerState {
    return this.#states.get(`${provider.id}/${channel}`) ?? CLOSED;
  }

  #change(provider: Provider, channel: Channel, step: (state: BreakerState) => BreakerState): void {
    if (provider.check === undefined) return;
    const before = this.#state(provider, channel);
    const after = step(before);
    this.#states.set(`${provider.id}/${channel}`, after);
    if (after.phase !== before.phase) this.#announce(provider, channel, after.phase);
  }

  #announce(provider: Provider, channel: Channel, phase: BreakerState['phase']): void {
    const { logger, metrics } = this.#deps;
    metrics.breaker(provider.id, channel, phase);
    const facts = { provider: provider.id, channel, breaker: phase };
    if (phase === 'open') logger.warn(facts, 'provider is down: others are used');
    else logger.info(facts, phase === 'closed' ? 'provider is back' : 'provider is tried again');
    const guarded = this.#guarded(channel);
    const down = guarded.every((one) => this.#state(one, channel).phase === 'open');
    if (down === this.#down.has(channel)) return;
    metrics.channelDown(channel, down);
    if (down) {
      this.#down.add(channel);
      const providers = guarded.map(({ id }) => id);
      logger.error({ channel, providers }, 'no provider of this channel works');
    } else {
      this.#down.delete(channel);
      logger.info({ channel }, 'a provider of this channel answers again');
    }
  }
}

/** What a sender can be blamed for is not the provider's illness; neither is a bad address. */
function isOwnFault(kind: FailureKind): boolean {
  return kind !== 'InvalidDestination' && kind !== 'ProviderRejected';
}

async function isHealthy(provider: Provider, channel: Channel): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), PROBE_MS);
  const asked = (provider.check?.(channel) ?? Promise.resolve()).then(
    () => true,
    () => false,
  );
  return Promise.race([asked, promise]).finally(() => clearTimeout(timer));
}

/** Evenly spread over deliveries, and the same on each try of one. */
function lotOf(deliveryId: string): number {
  return createHash('sha256').update(deliveryId).digest().readUInt32BE(0) / 2 ** 32;
}

function channelsOf(providers: ProviderList): readonly Channel[] {
  return Object.entries(providers)
    .filter(([, list]) => list.length > 0)
    .map(([channel]) => channel as Channel);
}
