import { activityInfo } from '@temporalio/activity';
import type { Directory } from '../domain/directory.ts';
import type { Channel, ContactMethod } from '../domain/model.ts';
import type { Delivery, DeliveryOutcome } from '../domain/responder/types.ts';
import type { Config } from '../platform/config.ts';
import type { Logger } from '../platform/logger.ts';
import { DeliveryError } from '../providers/provider.ts';
import type { ProviderList } from '../providers/provider.ts';
import { LATE_MS } from './attempt.ts';
import type { DeliveryActivities } from './contract.ts';
import type { ProviderHealth } from './provider-health.ts';
import { render } from './render/render.ts';
import { sendByProviders } from './send-by-providers.ts';
import type { Sending } from './send-by-providers.ts';

/** What delivery records; platform/metrics.ts has the metrics. */
export interface DeliveryMetrics {
  /** `pdlite_delivery_total`, `pdlite_delivery_duration_seconds`; `outcome` is `accepted`, `stale` or a FailureKind. */
  delivered(labels: DeliveryLabels, seconds: number): void;
  /** `pdlite_paging_latency_seconds`: from the trigger to the provider's acceptance, first pages only. */
  pagingLatency(seconds: number): void;
  /** `pdlite_provider_failures_total`: one try in vain, whether or not another provider took it. */
  providerFailed(labels: ProviderFailure): void;
}

export interface ProviderFailure {
  readonly channel: string;
  readonly provider: string;
  readonly failure: string;
}

export interface DeliveryLabels {
  readonly channel: string;
  /** `none`: it did not come to a provider. */
  readonly provider: string;
  readonly outcome: string;
}

/** Runs `body` in a span that continues the trace of `traceparent` (null: a new trace). */
export type WithSpan = <T>(
  name: string,
  options: {
    readonly traceparent: string | null;
    readonly attributes: Readonly<Record<string, string | number>>;
  },
  body: () => Promise<T>,
) => Promise<T>;

export interface DeliveryDeps {
  readonly directory: Directory;
  readonly providers: ProviderList;
  readonly health: ProviderHealth;
  readonly config: Pick<Config, 'PUBLIC_URL' | 'LINK_SECRET' | 'REPLY_DOMAIN'>;
  readonly logger: Logger;
  readonly metrics: DeliveryMetrics;
  readonly withSpan: WithSpan;
  /** Milliseconds since 1970 by this machine's clock, which may be wrong. */
  readonly now: () => number;
  /** Milliseconds by a clock that nobody sets. */
  readonly steady: () => number;
  /** Asks the responder which of the pages are still open; rejects within a second when it cannot. */
  readonly openPages: (
    accountId: string,
    userId: string,
    pageIds: readonly string[],
  ) => Promise<readonly string[]>;
}

/** One that seems to have waited for longer has come to a machine whose clock is wrong, milliseconds. */
const QUEUED_MAX_MS = 600_000;

export function createDeliveryActivities(deps: DeliveryDeps): DeliveryActivities {
  return {
    deliver: async (delivery) => {
      const { attempt, currentAttemptScheduledTimestampMs: scheduledMs } = activityInfo();
      const waitedMs = deps.now() - scheduledMs;
      const isLate = attempt > 1 || Math.abs(waitedMs) > LATE_MS;
      const byEngine = { ...deps, now: engineClock(scheduledMs, deps.steady) };
      const outcome = await deliver(byEngine, delivery, { isLate, isFirstTry: attempt === 1 });
      const queuedMs = waitedMs > 0 && waitedMs < QUEUED_MAX_MS ? waitedMs : 0;
      record(byEngine, delivery, outcome, { scheduledMs, queuedMs });
      return attempt > 1 && outcome.result === 'accepted'
        ? { ...outcome, isRepeat: true }
        : outcome;
    },
    receiptOf: async ({ channel, provider: id, providerId }) => {
      const provider = deps.providers[channel].find((one) => one.id === id);
      try {
        return (await provider?.receipt?.(channel, providerId)) ?? null;
      } catch (error) {
        const failure = error instanceof DeliveryError ? error.kind : 'ProviderUnavailable';
        deps.logger.warn({ channel, provider: id, providerId, failure }, 'no receipt to be had');
        return null;
      }
    },
  };
}

/**
 * Milliseconds since 1970 by the engine's clock, in this try: when it was scheduled, and what has passed since it
 * began. What it waited in between only this machine's clock tells, so that it is left out; once its time is over
 * the engine hands it out no more.
 */
function engineClock(scheduledMs: number, steady: () => number): () => number {
  const beganAt = steady();
  return () => Math.round(scheduledMs + steady() - beganAt);
}

async function deliver(
  deps: DeliveryDeps,
  delivery: Delivery,
  { isLate, isFirstTry }: { readonly isLate: boolean; readonly isFirstTry: boolean },
): Promise<DeliveryOutcome> {
  const nowMs = deps.now();
  if (isOver(delivery, nowMs)) return stale(nowMs);
  const method = findMethod(deps.directory, delivery);
  const refusal = refusalOf(method, delivery);
  if (!method || refusal) {
    return rejected(nowMs, refusal ?? 'The contact method is gone.');
  }
  if (deps.providers[method.channel].length === 0) return unconfigured(nowMs, method.channel);
  const current = isLate ? await withoutAnswered(deps, delivery) : delivery;
  if (!current) return stale(deps.now());
  return sendByProviders(deps, prepare(deps, current, method), {
    isPatient: isFirstTry && isFirst(delivery),
    refresh: async (sending) => {
      if (isOver(delivery, deps.now())) return null;
      const left = await withoutAnswered(deps, sending.delivery);
      return left && prepare(deps, left, method);
    },
  });
}

function prepare(deps: DeliveryDeps, delivery: Delivery, method: ContactMethod): Sending {
  const { PUBLIC_URL, LINK_SECRET, REPLY_DOMAIN } = deps.config;
  const outgoing = render(delivery, method, {
    publicUrl: PUBLIC_URL,
    linkSecret: LINK_SECRET,
    replyDomain: REPLY_DOMAIN,
    nowMs: deps.now(),
    sharedAddress: isShared(deps.directory, method.address),
  });
  return { delivery, outgoing };
}

function isOver(delivery: Delivery, nowMs: number): boolean {
  return nowMs >= Date.parse(delivery.notAfter);
}

/** Whether nothing was tried before for any of it. */
function isFirst({ message }: Delivery): boolean {
  return message.kind === 'page' && message.pages.every((page) => page.first === true);
}

/** Whether several people have it; one may use a number for texts and for calls. */
function isShared(directory: Directory, address: string): boolean {
  const methods = directory.contactMethodsByAddress(address);
  return new Set(methods.map(({ index, userId }) => `${index.account.id}/${userId}`)).size > 1;
}

function findMethod(directory: Directory, delivery: Delivery): ContactMethod | undefined {
  const user = directory.account(delivery.accountId)?.users.get(delivery.userId);
  return user?.contactMethods.find((method) => method.id === delivery.contactMethodId);
}

/** Why nothing may be sent there; null when it may. Only a verification goes to an unverified address. */
function refusalOf(method: ContactMethod | undefined, delivery: Delivery): string | null {
  if (!method) return 'The contact method is gone.';
  if (method.optedOutAt !== null) return 'The person opted out by STOP.';
  if (method.verifiedAt === null && delivery.message.kind !== 'verification') {
    return 'The contact method is not verified.';
  }
  if (method.channel === 'webhook' && method.secret === null) {
    return 'The webhook has no secret to sign with.';
  }
  return null;
}

/** The delivery without pages that were answered meanwhile; null when none is left. */
async function withoutAnswered(deps: DeliveryDeps, delivery: Delivery): Promise<Delivery | null> {
  const { message } = delivery;
  if (message.kind !== 'page') return delivery;
  try {
    const ids = message.pages.map((page) => page.pageId);
    const open = new Set(await deps.openPages(delivery.accountId, delivery.userId, ids));
    const pages = message.pages.filter((page) => open.has(page.pageId));
    const openCount = message.openCount - (message.pages.length - pages.length);
    return pages.length === 0 ? null : { ...delivery, message: { ...message, pages, openCount } };
  } catch (error) {
    // A page too many beats none.
    deps.logger.warn({ err: error, deliveryId: delivery.deliveryId }, 'open pages unknown');
    return delivery;
  }
}

function stale(nowMs: number): DeliveryOutcome {
  return { result: 'stale', at: new Date(nowMs).toISOString() };
}

function unconfigured(nowMs: number, channel: Channel): DeliveryOutcome {
  const at = new Date(nowMs).toISOString();
  const reason = `No provider is configured for ${channel}.`;
  return { result: 'failed', at, provider: null, reason, failure: 'ConfigMissing' };
}

function rejected(nowMs: number, reason: string): DeliveryOutcome {
  const at = new Date(nowMs).toISOString();
  return { result: 'rejected', at, provider: null, reason, failure: 'InvalidDestination' };
}

function record(
  deps: DeliveryDeps,
  delivery: Delivery,
  outcome: DeliveryOutcome,
  { scheduledMs, queuedMs }: { readonly scheduledMs: number; readonly queuedMs: number },
): void {
  const nowMs = deps.now();
  const provider = 'provider' in outcome ? (outcome.provider ?? 'none') : 'none';
  const label = 'failure' in outcome ? outcome.failure : outcome.result;
  const { channel, deliveryId, contactMethodId, message } = delivery;
  deps.metrics.delivered({ channel, provider, outcome: label }, (nowMs - scheduledMs) / 1000);
  const pages = message.kind === 'page' ? message.pages : [];
  if (outcome.result === 'accepted') {
    for (const page of pages.filter((item) => item.first)) {
      deps.metrics.pagingLatency((nowMs + queuedMs - Date.parse(page.triggeredAt)) / 1000);
    }
  }
  const line = {
    accountId: delivery.accountId,
    incidentId: pages[0]?.incidentId,
    incidents: pages.length,
    channel,
    provider,
    outcome: outcome.result,
    failure: 'failure' in outcome ? outcome.failure : undefined,
    contactMethodId,
    deliveryId,
    providerId: 'providerId' in outcome ? outcome.providerId : undefined,
    durationMs: nowMs - scheduledMs,
  };
  if (outcome.result === 'failed') deps.logger.warn(line, 'delivery');
  else deps.logger.info(line, 'delivery');
}
