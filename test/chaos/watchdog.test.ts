// The watchdog tells its own people within 90 s when the intake is killed, the worker's event loop stands still,
// delivery stops, the other watchdog is gone, or no vendor takes texts, by its own providers; then that they are
// back. While all is well it tells nothing, and its canary takes the way of every alert, through every provider.
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
  product = await startProduct({
    people: { ada: { methods: ['push'] } },
    secondTelephony: true,
  });
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

test('the canary’s page arrives, and one of its texts and mails by each provider', async () => {
  const [first, second] = [product.simulators, product.second];
  await first.phone('+15005550191').expectSms(/Canary/);
  await second.phone('+15005550192').expectSms(/Canary/);
  await first.mailbox('canary-1@example.com').expectMail(/Canary/);
  await second.mailbox('canary-2@example.com').expectMail(/Canary/);
  await first.push('pdlite-canary').expectPush(/Canary/);
  await expect
    .poll(() => metric('pdlite_canary_latency_seconds_count'), { timeout: 20_000 })
    .toBeGreaterThan(1);
});

/** Waits until each of the parts was told so. */
async function expectTold(what: 'down' | 'recovered', parts: readonly string[], withinMs: number) {
  const titles = async () => {
    const items = (await vendors.ledger()).map(({ item }) => item);
    const told = items.flatMap((item) => (item.type === 'push' ? [item.title] : []));
    return told.filter((title) => title.includes(`${what}: `)).join('\n');
  };
  const poll = expect.poll(titles, { timeout: withinMs, interval: 250 });
  await poll.toMatch(new RegExp(parts.map((part) => `(?=.*${part})`).join(''), 's'));
}

test('when no vendor takes texts, that is told within 60 s', { timeout: 100_000 }, async () => {
  const refuse = { door: 'sms', kind: 'refuse' } as const;
  await Promise.all([product.simulators.setMood(refuse), product.second.setMood(refuse)]);
  await expectTold('down', ['providers'], 60_000);
  await vendors.mailbox('op@ops.test').expectMail(/no provider works for sms/);
  await Promise.all([product.simulators.resetMoods(), product.second.resetMoods()]);
  await expectTold('recovered', ['providers'], 60_000);
});

test('what is down is told within 90 s, and that it is back', { timeout: 200_000 }, async () => {
  product.worker.signal('SIGSTOP');
  await Promise.all([product.api.kill(), peer.kill()]);
  const parts = ['intake', 'worker', 'delivery', 'other watchdog'];
  await expectTold('down', parts, 90_000);
  await vendors.mailbox('op@ops.test').expectMail(/watchdog: down: .*intake/);
  product.worker.signal('SIGCONT');
  await Promise.all([product.api.start(), peer.start()]);
  await expectTold('recovered', parts, 60_000);
  expect(watchdog.output).not.toContain('PostgreSQL: down');
});
