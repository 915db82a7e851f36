import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { defaultPayloadConverter } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { DEMO_ACCOUNT, DEMO_KEYS } from '../../db/seed-accounts.ts';
import type { AlertEvent } from '../../domain/event.ts';
import { openIntakeApi, type IntakeApi } from '../support/intake-api.ts';

// A real Alertmanager delivers through its webhook and through its PagerDuty receiver: firing opens an
// incident, resolved closes it.
const PROGRAM = 'prometheus-alertmanager';
const installed = isInstalled() || install();
const WAIT_MS = 30_000;

function isInstalled(): boolean {
  try {
    execFileSync(PROGRAM, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** As root on Debian only; elsewhere the tests are skipped, and say so. */
function install(): boolean {
  try {
    const args = ['install', '-y', '--no-install-recommends', PROGRAM];
    execFileSync('apt-get', args, { stdio: 'ignore', env: { ...process.env, RUNLEVEL: '1' } });
    return isInstalled();
  } catch {
    console.warn(
      `skipped: ${PROGRAM} is not installed and could not be (apt-get install ${PROGRAM})`,
    );
    return false;
  }
}

let intake: IntakeApi;
let alertmanager: ChildProcess;
let folder = '';
let url = '';

describe.skipIf(!installed)('Alertmanager', () => {
  beforeAll(async () => {
    intake = await openIntakeApi();
    folder = await mkdtemp(path.join(tmpdir(), 'pdlite-alertmanager-'));
    const file = path.join(folder, 'alertmanager.json');
    await writeFile(file, JSON.stringify(configuration(intake.api.url)));
    url = `http://127.0.0.1:${await freePort()}`;
    alertmanager = spawn(
      PROGRAM,
      [
        `--config.file=${file}`,
        `--storage.path=${folder}`,
        `--web.listen-address=${url.slice('http://'.length)}`,
        '--cluster.listen-address=',
      ],
      { stdio: 'ignore' },
    );
    await until(async () => (await fetch(`${url}/-/ready`)).ok || undefined);
  });
  afterAll(async () => {
    alertmanager.kill('SIGTERM');
    await once(alertmanager, 'exit');
    await intake.close();
    await rm(folder, { recursive: true });
  });

  it('opens and closes incidents through both receivers', async () => {
    const labels = { alertname: 'DiskFull', instance: 'db1', severity: 'critical' };
    const alert = { labels, annotations: { summary: 'Disk of db1 is full' } };
    await send([alert]);
    await until(async () => {
      const events = await allEvents();
      return events.filter(({ action }) => action === 'trigger').length >= 2 || undefined;
    });
    await send([{ ...alert, endsAt: new Date(Date.now() - 1000).toISOString() }]);
    const events = await until(async () => {
      const found = await allEvents();
      return found.filter(({ action }) => action === 'resolve').length >= 2 ? found : undefined;
    });
    const triggers = events.filter(({ action }) => action === 'trigger');
    expect(triggers.map(({ payload }) => payload?.summary).sort()).toEqual([
      'DiskFull: Disk of db1 is full',
      expect.stringContaining('[FIRING:1] DiskFull'),
    ]);
    for (const { action, dedupKey, integrationId } of events) {
      if (action !== 'resolve') continue;
      const opened = triggers.some(
        (trigger) => trigger.dedupKey === dedupKey && trigger.integrationId === integrationId,
      );
      expect(opened).toBe(true);
    }
  });
});

function configuration(api: string) {
  const http_config = { authorization: { credentials: DEMO_KEYS.alertmanager } };
  const webhook = { url: `${api}/integration/alertmanager`, http_config, send_resolved: true };
  const pagerduty = {
    url: `${api}/v2/enqueue`,
    routing_key: DEMO_KEYS.eventsV2,
    send_resolved: true,
  };
  return {
    route: { receiver: 'all', group_by: ['alertname'], group_wait: '1s', group_interval: '1s' },
    receivers: [{ name: 'all', webhook_configs: [webhook], pagerduty_configs: [pagerduty] }],
  };
}

async function send(alerts: readonly object[]): Promise<void> {
  const answer = await fetch(`${url}/api/v2/alerts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(alerts),
  });
  expect(answer.status).toBe(200);
}

/** Every event that any incident of the account has in its history. */
async function allEvents(): Promise<readonly AlertEvent[]> {
  const { workflow } = intake.temporal.client;
  const found: AlertEvent[] = [];
  for await (const { workflowId } of workflow.list({
    query: `PdliteAccount = "${DEMO_ACCOUNT.id}"`,
  })) {
    const { events } = await workflow.getHandle(workflowId).fetchHistory();
    for (const { workflowExecutionSignaledEventAttributes: signal } of events ?? []) {
      const payload = signal?.input?.payloads?.[0];
      if (payload)
        found.push(...defaultPayloadConverter.fromPayload<readonly AlertEvent[]>(payload));
    }
  }
  return found;
}

async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    const found = await look().catch(() => undefined);
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`not seen within ${WAIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
