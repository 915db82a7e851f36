// Property: metrics and health are served beside the work, and another source that is away hides nothing.
import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';

import {
  deliveries,
  directoryAge,
  serveMetrics,
  startMetrics,
  type MetricsServer,
} from './metrics.ts';

const logger = pino({ level: 'silent' });
let server: MetricsServer | undefined;
let ready = false;
afterEach(() => server?.close());

async function get(path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://127.0.0.1:${server?.port ?? 0}${path}`);
  return { status: response.status, text: await response.text() };
}

test('readiness follows the process, and metrics are there although the SDK’s are not', async () => {
  server = await serveMetrics({
    host: '127.0.0.1',
    port: 0,
    logger,
    health: () => ({ ready, details: { directory: 'empty' } }),
    alsoFrom: 'http://127.0.0.1:9/metrics',
  });
  startMetrics({ directoryAgeMs: () => 1500 });
  deliveries.inc({ channel: 'sms', provider: 'twilio', outcome: 'accepted' });
  expect(await get('/health/live')).toMatchObject({ status: 200 });
  expect(await get('/health/ready')).toMatchObject({ status: 503 });
  ready = true;
  expect(await get('/health/ready')).toMatchObject({ status: 200 });
  const { text } = await get('/metrics');
  expect(text).toContain(
    'pdlite_delivery_total{channel="sms",provider="twilio",outcome="accepted"} 1',
  );
  expect(text).toContain('pdlite_directory_age_seconds 1.5');
  expect(text).toContain('nodejs_eventloop_lag');
  expect((await directoryAge.get()).values).toHaveLength(1);
});

test('an unknown path is 404', async () => {
  server = await serveMetrics({ host: '127.0.0.1', port: 0, logger });
  expect(await get('/health/ready')).toMatchObject({ status: 404 });
});
