// Property: a data folder that cannot be used, and a taken port, are each said in one sentence that names the
// cure, before anything is started; secrets are made once and kept.
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { freePort } from './process.ts';
import { readSettings, refuseTakenPorts } from './settings.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pdlite-settings-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const PORTS = [
  ...['API_PORT', 'API_METRICS_PORT', 'WORKER_METRICS_PORT', 'INBOUND_SMTP_PORT'],
  ...[
    'SIMULATORS_PORT',
    'SIMULATORS_SMTP_PORT',
    'SIMULATORS_SMTP_2_PORT',
    'EMBEDDED_POSTGRES_PORT',
  ],
  ...['EMBEDDED_TEMPORAL_PORT', 'EMBEDDED_TEMPORAL_UI_PORT', 'WATCHDOG_PORT'],
  'WATCHDOG_CANARY_PORT',
];

test('secrets are made once, for this user only', async () => {
  const environment = { DATA_DIR: path.join(folder, 'data') };
  const first = await readSettings(environment);
  const second = await readSettings(environment);
  expect(second.environment).toEqual(first.environment);
  expect(first.config.LINK_SECRET).toMatch(/^[0-9a-f]{48}$/);
  const file = path.join(folder, 'data', 'secrets.json');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
    linkSecret: first.config.LINK_SECRET,
  });
});

test('damaged secrets are never replaced', async () => {
  const data = path.join(folder, 'damaged');
  await readSettings({ DATA_DIR: data });
  await writeFile(path.join(data, 'secrets.json'), '{"linkSecret":');
  await expect(readSettings({ DATA_DIR: data })).rejects.toThrow('secrets.json is damaged');
  expect(await readFile(path.join(data, 'secrets.json'), 'utf8')).toBe('{"linkSecret":');
});

test('a folder that cannot be made is named', async () => {
  const file = path.join(folder, 'file');
  await writeFile(file, '');
  await chmod(file, 0o600);
  const DATA_DIR = path.join(file, 'data');
  await expect(readSettings({ DATA_DIR })).rejects.toThrow(
    `The data folder ${DATA_DIR} cannot be used`,
  );
});

test.each(PORTS)('a taken %s is refused by its name', async (variable) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const taken = typeof address === 'object' && address !== null ? address.port : 0;
  const free = await Promise.all(PORTS.map(async (name) => [name, String(await freePort())]));
  const environment = { ...(Object.fromEntries(free) as Record<string, string>) };
  const settings = await readSettings({
    ...environment,
    [variable]: String(taken),
    DATA_DIR: path.join(folder, 'ports'),
  });
  await expect(refuseTakenPorts(settings)).rejects.toThrow(
    new RegExp(`^Port ${taken} is taken.*${variable}=\\d+ npm start$`),
  );
  server.close();
});

test('the canary flies where a webhook can reach the watchdog, as often as the operator says', async () => {
  const given = { DATA_DIR: path.join(folder, 'canary') };
  const usual = (await readSettings(given)).config;
  expect(usual.WATCHDOG_CANARY_KEY).toMatch(/^[0-9a-f]{32}$/);
  expect(usual.WATCHDOG_CANARY_INTERVAL_SEC).toBe(300);
  expect(usual.WEBHOOK_ALLOWED_HOSTS).toContain(`127.0.0.1:${usual.WATCHDOG_CANARY_PORT}`);
  const own = async (providers: readonly object[]) =>
    (
      await readSettings({
        ...{ ...given, PROVIDERS: JSON.stringify(providers) },
        ...{ WATCHDOG_CANARY_INTERVAL_SEC: '60', WEBHOOK_ALLOWED_HOSTS: 'hooks.internal' },
      })
    ).config;
  const ntfy = { id: 'ntfy', kind: 'ntfy' };
  expect((await own([ntfy])).WATCHDOG_CANARY_KEY).toBeUndefined();
  const withHook = await own([ntfy, { id: 'hook', kind: 'webhook' }]);
  expect(withHook.WATCHDOG_CANARY_KEY).toBe(usual.WATCHDOG_CANARY_KEY);
  expect(withHook.WATCHDOG_CANARY_INTERVAL_SEC).toBe(60);
  expect(withHook.WEBHOOK_ALLOWED_HOSTS).toEqual([
    'hooks.internal',
    `127.0.0.1:${usual.WATCHDOG_CANARY_PORT}`,
  ]);
});
