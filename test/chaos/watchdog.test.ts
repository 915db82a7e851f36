// The watchdog tells its own people within 90 s when the intake is killed, the worker's event loop stands still and
// the other watchdog is gone, by its own providers; then that they are back. While all is well it tells nothing,
// and its canary takes the way of every alert.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { openDatabase } from '../../db/database.ts';
import { seed } from '../../db/seed.ts';
import { seedCanary } from '../../db/seed-canary.ts';
import { freePort } from '../../platform/embedded/process.ts';
import { ProductProcess } from '../support/product-process.ts';
import { startProduct, type Product } from '../support/product.ts';
import { startTestSimulators } from '../support/simulators.ts';
import { sealContacts } from '../../watchdog/contacts.ts';

const KEY = 'k'.repeat(32);
const CANARY = 'c'.repeat(32);
let folder: string;
let product: Product;
let vendors: Awaited<ReturnType<typeof startTestSimulators>>;
let watchdog: ProductProcess;
let peer: ProductProcess;
let metricsUrl: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pdlite-watchdog-'));
  vendors = await startTestSimulators();
  product = await startProduct({ people: { ada: { methods: ['push'] } } });
  const [port, peerPort, canaryPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const database = openDatabase(product.environment['DATABASE_URL'] ?? '', {
    ...{ poolMax: 1, logger: pino({ level: 'silent' }) },
  });
  await seed(database);
  await seedCanary(database, { key: CANARY, url: `http://127.0.0.1:${canaryPort}/canary` });
  await database.close();
  const file = path.join(folder, 'contacts.sealed');
  const contacts = [
    { name: 'Op', channel: 'push', address: 'op' },
    { name: 'Op', channel: 'email', address: 'op@ops.test' },
  ];
  await writeFile(file, sealContacts(KEY, JSON.stringify(contacts)));
  metricsUrl = `http://127.0.0.1:${port}`;
  const environment = {
    ...product.environment,
    ...{ WATCHDOG_CONTACTS_FILE: file, WATCHDOG_CONTACTS_KEY: KEY },
    WATCHDOG_API_URLS: product.apiUrl,
    WATCHDOG_WORKER_URLS: `http://127.0.0.1:${product.environment['WORKER_METRICS_PORT'] ?? ''}`,
    WATCHDOG_PROVIDERS: JSON.stringify([
      { id: 'ntfy', kind: 'ntfy', baseUrl: `${vendors.url}/ntfy` },
      { id: 'smtp', kind: 'smtp', from: 'w@ops.test', url: `smtp://127.0.0.1:${vendors.smtpPort}` },
    ]),
  };
  watchdog = new ProductProcess(
    'watchdog/main.ts',
    {
      ...environment,
      ...{ WATCHDOG_PORT: String(port), WATCHDOG_PEERS: `http://127.0.0.1:${peerPort}` },
      ...{ WATCHDOG_CANARY_KEY: CANARY, WATCHDOG_CANARY_PORT: String(canaryPort) },
      WATCHDOG_CANARY_INTERVAL_SEC: '5',
    },
    `${metricsUrl}/health/ready`,
  );
  peer = new ProductProcess(
    'watchdog/main.ts',
    { ...environment, WATCHDOG_PORT: String(peerPort), WATCHDOG_PEERS: metricsUrl },
    `http://127.0.0.1:${peerPort}/health/ready`,
  );
  await peer.start();
  await watchdog.start();
});
afterAll(async () => {
  await Promise.all([watchdog.stop(), peer.stop()]);
  await product.close();
  await vendors.close();
  await rm(folder, { recursive: true });
});

const metric = async (name: string): Promise<number> => {
  const text = await (await fetch(`${metricsUrl}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 'NaN');
};

test('the canary’s page arrives', async () => {
  await expect
    .poll(() => metric('pdlite_canary_latency_seconds_count'), { timeout: 20_000 })
    .toBeGreaterThan(1);
});

test('what is down is told within 90 s, and that it is back', { timeout: 200_000 }, async () => {
  const op = vendors.push('op');
  const stoppedAt = Date.now();
  product.worker.signal('SIGSTOP');
  await Promise.all([product.api.kill(), peer.kill()]);
  const down = await op.expectPush(/down: /, 90_000);
  expect(down.item.title).toMatch(/intake.*worker.*other watchdog/s);
  expect(Date.now() - stoppedAt).toBeGreaterThan(30_000);
  await vendors.mailbox('op@ops.test').expectMail(/watchdog: down/);
  product.worker.signal('SIGCONT');
  await Promise.all([product.api.start(), peer.start()]);
  await op.expectPush(/recovered: /, 60_000);
  expect(watchdog.output).not.toContain('PostgreSQL: down');
});
