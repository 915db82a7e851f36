// However long Temporal was away, a client reaches it again as soon as it is back.
import { setTimeout as sleep } from 'node:timers/promises';

import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';

import {
  connectTemporal,
  withDeadline,
  type TemporalConnection,
} from '../../temporal-config/client.ts';
import { OwnTemporal } from '../support/own-temporal.ts';

/** By then gRPC's own pause between two tries would be ten seconds. */
const AWAY_MS = 17_000;
let temporal: OwnTemporal;
let connected: TemporalConnection;
beforeAll(async () => {
  temporal = await OwnTemporal.start();
  connected = connectTemporal(
    {
      ...{ TEMPORAL_ADDRESS: temporal.address, TEMPORAL_NAMESPACE: 'default' },
      ...{ TEMPORAL_API_KEY: undefined, TEMPORAL_TLS: false },
    },
    { logger: pino({ level: 'silent' }) },
  );
}, 120_000);
afterAll(async () => {
  await connected.close();
  await temporal.close();
});

const answers = (): Promise<boolean> =>
  withDeadline(connected.client, 500, () =>
    connected.connection.workflowService.getSystemInfo({}),
  ).then(
    () => true,
    () => false,
  );

test('back within two seconds after a long outage', { timeout: 60_000 }, async () => {
  expect(await answers()).toBe(true);
  await temporal.kill();
  for (const until = Date.now() + AWAY_MS; Date.now() < until;) {
    expect(await answers()).toBe(false);
    await sleep(250);
  }
  await temporal.restart();
  await expect.poll(answers, { timeout: 2000, interval: 50 }).toBe(true);
});
