import { randomBytes } from 'node:crypto';

import { TestWorkflowEnvironment } from '@temporalio/testing';
import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { pino } from 'pino';
import { inject } from 'vitest';

import { findTestServer } from '../../platform/embedded/find-temporal.ts';
import { connectTemporal, type TemporalConnection } from '../../temporal-config/client.ts';
import { setUpNamespace } from '../../temporal-config/set-up.ts';

export { workflowBundle } from '../../worker/workflow-bundle.ts';

const NAMESPACE_LIMIT_MS = 20_000;

/** A server of its own whose clock can be skipped; `teardown()` ends it. */
export async function createTimeSkippingEnv(): Promise<TestWorkflowEnvironment> {
  const path = await findTestServer({ log: console.log });
  return TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path } },
  });
}

export interface DevServer extends Omit<TemporalConnection, 'close'> {
  readonly close: () => Promise<void>;
  readonly address: string;
  readonly namespace: string;
  readonly uiUrl: string;
  readonly nativeConnection: NativeConnection;
}

/**
 * A namespace of its own, with the search attributes, on the development server that the run shares.
 * `close()` ends its connections.
 */
export async function devServer(): Promise<DevServer> {
  const address = inject('temporalAddress');
  const namespace = `test-${randomBytes(6).toString('hex')}`;
  const temporal = connectTemporal(
    {
      TEMPORAL_ADDRESS: address,
      TEMPORAL_NAMESPACE: namespace,
      TEMPORAL_TLS: false,
      TEMPORAL_API_KEY: undefined,
    },
    { logger: pino({ level: 'silent' }) },
  );
  await untilKnown(() => setUpNamespace(temporal.connection, namespace));
  await untilKnown(() => temporal.client.workflow.count('WorkflowType="none"'));
  const nativeConnection = await NativeConnection.connect(temporal.nativeOptions);
  return {
    ...temporal,
    address,
    namespace,
    uiUrl: inject('temporalUiUrl'),
    nativeConnection,
    close: async () => {
      await nativeConnection.close();
      await temporal.close();
    },
  };
}

/** The server's parts learn of a new namespace one after the other. */
async function untilKnown(work: () => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + NAMESPACE_LIMIT_MS;
  for (;;) {
    try {
      await work();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** Runs one worker for each of `options` while `body` runs, and waits until they have drained. */
export async function whileWorking<T>(
  options: readonly WorkerOptions[],
  body: () => Promise<T>,
): Promise<T> {
  const workers = await Promise.all(options.map((one) => Worker.create(one)));
  const running = workers.map((worker) => worker.run());
  try {
    return await body();
  } finally {
    for (const worker of workers) worker.shutdown();
    await Promise.all(running);
  }
}
