/**
 * A worker process with the real workflows and activities, a ledger in place of the vendor and the database, and
 * faults as its argument says. Started by process.ts; tells the ledger to its parent.
 */
import { NativeConnection, Worker } from '@temporalio/worker';
import { pino } from 'pino';
import { createDeliveryActivities } from '../../../activities/delivery.ts';
import { createMessagingActivities } from '../../../activities/messaging.ts';
import { createPagingActivities } from '../../../activities/paging.ts';
import { ProviderHealth } from '../../../activities/provider-health.ts';
import type { ProjectionBatch } from '../../../activities/contract.ts';
import { RESPONDER } from '../../../domain/messages.ts';
import type { Delivery } from '../../../domain/responder/types.ts';
import { DeliveryError, type Outgoing, type Provider } from '../../../providers/provider.ts';
import { connectTemporal, withDeadline } from '../../../temporal-config/client.ts';
import { responderWorkflowId, TASK_QUEUES } from '../../../temporal-config/names.ts';
import { readWorkflow } from '../../../temporal-config/read-workflow.ts';
import { workflowBundle } from '../../../worker/workflow-bundle.ts';
import { memoryDirectory } from '../../support/memory-directory.ts';
import { quietRuntime } from '../../support/incident-worker.ts';
import { accountOf, BAD_NUMBER } from './accounts.ts';
import { type LedgerFact, withFaults, type WorkerTask } from './faults.ts';

const tell = (fact: LedgerFact): void => void process.send?.({ ...fact, atMs: Date.now() });

/** Takes every message but those to the bad number. */
const vendor = (deliveries: ReadonlyMap<string, Delivery>): Provider => ({
  id: 'ledger',
  channels: ['sms'],
  send: (message: Outgoing, key: string) => {
    if (message.to === BAD_NUMBER) throw new DeliveryError('InvalidDestination', 'bad number');
    const delivery = deliveries.get(key);
    if (delivery) tell({ type: 'sent', delivery });
    return Promise.resolve({ providerId: key });
  },
  check: () => Promise.resolve(),
  close: () => Promise.resolve(),
});

function activitiesOf(task: WorkerTask) {
  const logger = pino({ level: 'silent' });
  const { client } = connectTemporal(
    {
      ...{ TEMPORAL_ADDRESS: task.address, TEMPORAL_NAMESPACE: task.namespace },
      ...{ TEMPORAL_TLS: false, TEMPORAL_API_KEY: undefined },
    },
    { logger },
  );
  const directory = memoryDirectory(task.casts.map(accountOf));
  const deliveries = new Map<string, Delivery>();
  const providers = { sms: [vendor(deliveries)], voice: [], email: [], push: [], webhook: [] };
  const nothing = () => undefined;
  const metrics = { breaker: nothing, probe: nothing, channelDown: nothing };
  const steady = () => performance.now();
  const health = new ProviderHealth({ providers, metrics, logger, now: steady, sharePercent: 0 });
  const delivery = createDeliveryActivities({
    ...{ directory, logger, now: Date.now, steady, providers, health },
    config: { PUBLIC_URL: 'http://localhost', LINK_SECRET: 'x'.repeat(32), REPLY_DOMAIN: 'x.test' },
    metrics: { delivered: nothing, pagingLatency: nothing, providerFailed: nothing },
    withSpan: (_name, _options, body) => body(),
    openPages: (accountId, userId, pageIds) =>
      withDeadline(client, 1000, () =>
        readWorkflow<readonly string[]>(
          client.workflow.getHandle(responderWorkflowId(accountId, userId)),
          RESPONDER.queries.openPages,
          pageIds,
        ),
      ),
  });
  return {
    ...createPagingActivities({ directory, client, logger }),
    ...createMessagingActivities({ client }),
    deliver: (one: Delivery) => {
      deliveries.set(one.deliveryId, one);
      return delivery.deliver(one);
    },
    project: (batch: ProjectionBatch) => {
      tell({ type: 'projected', batch });
      return Promise.resolve();
    },
  };
}

async function main(task: WorkerTask): Promise<void> {
  quietRuntime();
  const connection = await NativeConnection.connect({ address: task.address });
  const activities = withFaults(
    activitiesOf(task) as unknown as Parameters<typeof withFaults>[0],
    task.faults,
    (fault) => tell({ type: 'struck', fault }),
  );
  const common = { connection, namespace: task.namespace, activities };
  const workers = await Promise.all([
    Worker.create({
      ...common,
      taskQueue: TASK_QUEUES.workflows,
      workflowBundle: await workflowBundle(),
      stickyQueueScheduleToStartTimeout: 1000,
    }),
    Worker.create({ ...common, taskQueue: TASK_QUEUES.delivery }),
    Worker.create({ ...common, taskQueue: TASK_QUEUES.projection }),
  ]);
  tell({ type: 'ready' });
  await Promise.all(workers.map((worker) => worker.run()));
}

await main(JSON.parse(process.argv[2] ?? '') as WorkerTask);
