import type { Client } from '@temporalio/client';

import type { Activities } from '../activities/contract.ts';
import { CatchUp, isTakenIn } from '../activities/catch-up.ts';
import { createDeliveryActivities, type DeliveryMetrics } from '../activities/delivery.ts';
import { createHeartbeatActivities } from '../activities/heartbeat.ts';
import { createMessagingActivities } from '../activities/messaging.ts';
import { createPagingActivities } from '../activities/paging.ts';
import { createProjectionActivities } from '../activities/projection.ts';
import { ProviderHealth, type HealthMetrics } from '../activities/provider-health.ts';
import { createRepairActivities } from '../activities/repair.ts';
import type { Database } from '../db/database.ts';
import type { Directory } from '../domain/directory.ts';
import { RESPONDER } from '../domain/messages.ts';
import { auditPending } from '../platform/audit-metrics.ts';
import type { Config } from '../platform/config.ts';
import type { Logger } from '../platform/logger.ts';
import {
  breakerState,
  channelDown,
  deliveries,
  deliveryDuration,
  lastAccepted,
  pagingLatency,
  projectionLag,
  providerFailures,
  providerProbes,
} from '../platform/metrics.ts';
import { withSpan } from '../platform/tracing.ts';
import type { ProviderList } from '../providers/provider.ts';
import { withDeadline } from '../temporal-config/client.ts';
import { responderWorkflowId } from '../temporal-config/names.ts';
import { readWorkflow } from '../temporal-config/read-workflow.ts';

/** What the activities are made of; composed in main.ts and in tests. */
export interface ActivityDeps {
  readonly config: Config;
  readonly logger: Logger;
  readonly directory: Directory;
  readonly database: Database;
  readonly temporal: Client;
  readonly providers: ProviderList;
}

/** A responder that does not answer within this time is not waited for: two pages beat none. */
const OPEN_PAGES_LIMIT_MS = 1000;

/** All activities, grouped by the task queue on which they run. */
export function createActivities(deps: ActivityDeps): {
  readonly workflows: Omit<Activities, 'deliver' | 'receiptOf' | 'project'>;
  readonly delivery: Pick<Activities, 'deliver' | 'receiptOf'>;
  readonly projection: Pick<Activities, 'project'>;
} {
  const { config, logger, directory, database, temporal: client, providers } = deps;
  const steady = () => performance.now();
  const sharePercent = config.SECOND_PROVIDER_SHARE_PERCENT;
  const health = new ProviderHealth({
    ...{ providers, logger, now: steady, sharePercent, metrics: healthMetrics },
  });
  // Its timer keeps no process alive, and what it asks harms nobody: it needs no end of its own.
  health.start();
  return {
    workflows: {
      ...createPagingActivities({ directory, client, logger }),
      ...createMessagingActivities({ client }),
      ...createHeartbeatActivities({ client, directory, logger }),
      ...createRepairActivities({ client, logger }),
    },
    delivery: createDeliveryActivities({
      ...{ directory, providers, health, config, logger, withSpan, now: Date.now, steady },
      metrics: deliveryMetrics,
      openPages: (accountId, userId, pageIds) =>
        withDeadline(client, OPEN_PAGES_LIMIT_MS, () =>
          readWorkflow<readonly string[]>(
            client.workflow.getHandle(responderWorkflowId(accountId, userId)),
            RESPONDER.queries.openPages,
            pageIds,
          ),
        ),
    }),
    projection: createProjectionActivities({
      database,
      logger,
      metrics: { projectionLag, auditPending },
      catchUp: new CatchUp((told) => isTakenIn(client, told), steady),
    }),
  };
}

const deliveryMetrics: DeliveryMetrics = {
  delivered: (labels, seconds) => {
    deliveries.inc({ ...labels });
    deliveryDuration.observe({ ...labels }, seconds);
    const { channel, provider, outcome } = labels;
    if (outcome === 'accepted') lastAccepted.setToCurrentTime({ channel, provider });
  },
  pagingLatency: (seconds) => pagingLatency.observe(seconds),
  providerFailed: (labels) => providerFailures.inc({ ...labels }),
};

const PHASES = { closed: 0, half_open: 1, open: 2 } as const;

const healthMetrics: HealthMetrics = {
  breaker: (provider, channel, phase) => breakerState.set({ provider, channel }, PHASES[phase]),
  probe: (provider, channel, healthy) =>
    providerProbes.inc({ provider, channel, result: healthy ? 'well' : 'ill' }),
  channelDown: (channel, down) => channelDown.set({ channel }, down ? 1 : 0),
};
