/**
 * A process that dies between a change and its audit record leaves both or neither, wherever it dies: at a known
 * point, and under load at any.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { openDatabase, type Database } from '../../db/database.ts';
import { createAccount } from '../../db/new-account.ts';
import { freePort } from '../../platform/embedded/process.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { ProductProcess } from '../support/product-process.ts';

const KILLS = Number(process.env['AUDIT_KILLS'] ?? 3);
const writer = path.resolve(import.meta.dirname, '../support/audit-writer.ts');

let urls: TestDatabase;
let database: Database;
let account = '';
let key = '';
beforeAll(async () => {
  urls = await createTestDatabase();
  database = openDatabase(urls.appUrl, { poolMax: 2, logger: pino({ level: 'silent' }) });
  const made = await createAccount(database, {
    ...{ name: 'Crash', ownerName: 'Owner', ownerEmail: 'owner@example.com' },
  });
  account = made.accountId;
  key = made.apiKey;
});
afterAll(async () => {
  await database.close();
  await urls.drop();
});

/** Names of the teams, and ids of what the records say was created. */
const state = () =>
  database.inAccount(account, async (trx) => ({
    teams: await trx('teams').orderBy('id').pluck<string[]>('id'),
    recorded: await trx('audit_records')
      .where({ operation: 'createTeam', outcome: 'success' })
      .orderBy('object_id')
      .pluck<string[]>('object_id'),
  }));

test.each([
  ['changed', false],
  ['recorded', false],
  ['committed', true],
])('killed when it has %s', async (point, kept) => {
  const name = `T${point}`;
  const child = spawn(process.execPath, [writer, urls.appUrl, account, point, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  while (!said.includes(point)) {
    const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
    said += chunk.toString();
  }
  child.kill('SIGKILL');
  await once(child, 'exit');
  const { teams, recorded } = await state();
  expect(teams.includes(name)).toBe(kept);
  expect(recorded.includes(name)).toBe(kept);
});

test(`the api, killed ${KILLS} times while it writes`, { timeout: 120_000 }, async () => {
  const [apiPort, metricsPort, smtpPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const url = `http://127.0.0.1:${apiPort}`;
  const api = new ProductProcess(
    'api/main.ts',
    {
      ...{ API_PORT: String(apiPort), API_METRICS_PORT: String(metricsPort), LOG_LEVEL: 'warn' },
      ...{ INBOUND_SMTP_PORT: String(smtpPort), TEMPORAL_ADDRESS: '127.0.0.1:1' },
      ...{ DATABASE_URL: urls.appUrl, DIRECTORY_DATABASE_URL: urls.directoryUrl },
      INTAKE_DATABASE_URL: urls.intakeUrl,
    },
    `${url}/health/live`,
  );
  let answered = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    await api.start();
    const wanted = answered + 20;
    const writing = Array.from({ length: 6 }, async (_, lane) => {
      for (let n = 0; ; n += 1) {
        const response = await fetch(`${url}/teams`, {
          method: 'POST',
          headers: { authorization: `Token token=${key}`, 'content-type': 'application/json' },
          body: JSON.stringify({ team: { name: `${kill} ${lane} ${n}` } }),
        }).catch(() => null);
        if (!response) return;
        if (response.status === 201) answered += 1;
      }
    });
    await expect.poll(() => answered, { timeout: 30_000 }).toBeGreaterThan(wanted);
    await api.kill();
    await Promise.all(writing);
  }
  const { teams, recorded } = await state();
  expect(recorded).toEqual(teams);
  expect(teams.length).toBeGreaterThanOrEqual(answered);
});
