import type { Client } from '@temporalio/client';
import type { Payload } from '@temporalio/common';

import type { ProjectionActivities, ProjectionBatch } from '../activities/contract.ts';
import { withDeadline } from '../temporal-config/client.ts';

const PROJECT: keyof ProjectionActivities = 'project';
const PAGE_EVENTS = 500;
const PAGE_LIMIT_MS = 10_000;

/** One run of a workflow. */
export interface Run {
  readonly workflowId: string;
  readonly runId: string;
}

/**
 * What a run told the projections, in order, as its history holds it: a page of the history at a time, since the
 * longest have tens of thousands of events.
 * @throws the SDK's ServiceError when Temporal does not answer within 10 s a page, or has forgotten the run.
 */
export async function* projectCalls(client: Client, run: Run): AsyncGenerator<ProjectionBatch[]> {
  let nextPageToken: Uint8Array | undefined;
  do {
    const page = await withDeadline(client, PAGE_LIMIT_MS, () =>
      client.connection.workflowService.getWorkflowExecutionHistory({
        namespace: client.options.namespace,
        execution: run,
        maximumPageSize: PAGE_EVENTS,
        ...(nextPageToken === undefined ? {} : { nextPageToken }),
      }),
    );
    const batches: ProjectionBatch[] = [];
    for (const event of page.history?.events ?? []) {
      const scheduled = event.activityTaskScheduledEventAttributes;
      const payload = scheduled?.input?.payloads?.[0];
      if (scheduled?.activityType?.name !== PROJECT || !payload) continue;
      batches.push(await decode(client, payload));
    }
    if (batches.length > 0) yield batches;
    nextPageToken = page.nextPageToken.length > 0 ? page.nextPageToken : undefined;
  } while (nextPageToken !== undefined);
}

async function decode(client: Client, payload: Payload): Promise<ProjectionBatch> {
  const { payloadCodecs, payloadConverter } = client.options.loadedDataConverter;
  let payloads = [payload];
  for (const codec of payloadCodecs.toReversed()) payloads = await codec.decode(payloads);
  return payloadConverter.fromPayload<ProjectionBatch>(payloads[0] ?? payload);
}
