import { fileURLToPath } from 'node:url';

import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';

import { CEILING_QUEUE, createCeilingActivities } from './activities.ts';

/** The ceiling's worker, a process of its own as the product's is; tells its parent of each page. */
Runtime.install({ logger: new DefaultLogger('WARN') });
const [address = ''] = process.argv.slice(2);
const connection = await Connection.connect({ address });
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue: CEILING_QUEUE,
  workflowsPath: fileURLToPath(new URL('workflows.ts', import.meta.url)),
  activities: createCeilingActivities(new Client({ connection }), () => process.send?.('paged')),
  maxCachedWorkflows: 1000,
  stickyQueueScheduleToStartTimeout: '1 s',
  workflowTaskPollerBehavior: { type: 'autoscaling' },
  activityTaskPollerBehavior: { type: 'autoscaling' },
});
process.once('disconnect', () => worker.shutdown());
process.send?.('ready');
await worker.run();
await connection.close();
