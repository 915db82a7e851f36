import type { Client } from '@temporalio/client';
import { pino } from 'pino';

import type { Activities, ProjectionBatch } from '../../activities/contract.ts';
import { createDeliveryActivities } from '../../activities/delivery.ts';
import { createMessagingActivities } from '../../activities/messaging.ts';
import { createPagingActivities } from '../../activities/paging.ts';
import { ProviderHealth } from '../../activities/provider-health.ts';
import type { Directory } from '../../domain/directory.ts';
import { RESPONDER } from '../../domain/messages.ts';
import type { Outgoing, Provider } from '../../providers/provider.ts';
import { withDeadline } from '../../temporal-config/client.ts';
import { responderWorkflowId } from '../../temporal-config/names.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** What a server's workers tell whoever runs it. */
export interface Ears {
  /** A provider was handed a message. */
  readonly sent: (message: Outgoing, atMs: number) => void;
  /** A workflow told what has happened. */
  readonly projected: (batch: ProjectionBatch, atMs: number) => void;
}

export interface VirtualDeps {
  readonly client: Client;
  readonly clock: VirtualClock;
  readonly directory: Directory;
  readonly ears: Ears;
}

const OPEN_PAGES_LIMIT_MS = 1000;

/** The product's activities by the server's clock, with a vendor and a database that only listen. */
export function activitiesOn(deps: VirtualDeps) {
  return onTheClock(deps.clock, activitiesOf(deps));
}

function activitiesOf({ client, clock, directory, ears }: VirtualDeps) {
  const logger = pino({ level: 'silent' });
  const { now } = clock;
  const one = [recorder(ears, clock)];
  const providers = { push: one, email: one, sms: [], voice: [], webhook: [] };
  const nothing = () => undefined;
  const metrics = { breaker: nothing, probe: nothing, channelDown: nothing };
  const health = new ProviderHealth({ providers, metrics, logger, now, sharePercent: 0 });
  return {
    ...createPagingActivities({ directory, client, logger, now: () => new Date(now()) }),
    ...createMessagingActivities({ client }),
    ...createDeliveryActivities({
      ...{
        directory,
        logger,
        now,
        steady: now,
        providers,
        health,
        withSpan: (_name, _options, run) => run(),
      },
      config: {
        ...{ PUBLIC_URL: 'http://localhost', LINK_SECRET: 'x'.repeat(32), REPLY_DOMAIN: 'x.test' },
      },
      metrics: { delivered: nothing, pagingLatency: nothing, providerFailed: nothing },
      openPages: (accountId, userId, pageIds) =>
        withDeadline(client, OPEN_PAGES_LIMIT_MS, () =>
          client.workflow
            .getHandle(responderWorkflowId(accountId, userId))
            .query<readonly string[], [readonly string[]]>(RESPONDER.queries.openPages, pageIds),
        ),
    }),
    project: (batch: ProjectionBatch) => {
      ears.projected(batch, now());
      return Promise.resolve();
    },
  } satisfies Partial<Activities>;
}

/** Takes every message, and says when. */
function recorder(ears: Ears, clock: VirtualClock): Provider {
  return {
    ...{ id: 'recorder', channels: ['push', 'email'] },
    send: (message, key) => {
      ears.sent(message, clock.now());
      return Promise.resolve({ providerId: key });
    },
    check: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

/** The same activities, each begun by a look at the server's clock. */
function onTheClock<T extends object>(clock: VirtualClock, activities: T): T {
  return Object.fromEntries(
    Object.entries(activities).map(([name, run]) => [
      name,
      async (...args: unknown[]): Promise<unknown> => {
        await clock.ask();
        return (run as (...given: unknown[]) => unknown)(...args);
      },
    ]),
  ) as T;
}
