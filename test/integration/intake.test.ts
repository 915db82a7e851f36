import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

import { defaultPayloadConverter } from '@temporalio/common';
import { WorkflowNotFoundError } from '@temporalio/client';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openDatabase } from '../../db/database.ts';
import { DEMO_ACCOUNT, DEMO_KEYS } from '../../db/seed-accounts.ts';
import type { AlertEvent } from '../../domain/event.ts';
import { hashKey } from '../../platform/ids.ts';
import { connectTemporal } from '../../temporal-config/client.ts';
import { incidentWorkflowId } from '../../temporal-config/names.ts';
import { openIntakeApi, type IntakeApi } from '../support/intake-api.ts';

// 202 means that Temporal has the event on disk, although no worker runs; whatever cannot be stored is
// refused in time, in the sender's form, with `Retry-After`, and leaves nothing behind.
const logger = pino({ level: 'silent' });
const payload = { summary: 'disk full', source: 'db1', severity: 'critical' };
let intake: IntakeApi;
beforeAll(async () => {
  intake = await openIntakeApi();
});
afterAll(() => intake.close());

const post = (path: string, body: unknown, url = intake.api.url) =>
  fetch(url + path, { method: 'POST', body: JSON.stringify(body), redirect: 'error' });
const event = (dedupKey: string, action = 'trigger') => ({
  routing_key: DEMO_KEYS.eventsV2,
  event_action: action,
  dedup_key: dedupKey,
  ...(action === 'trigger' ? { payload } : {}),
});
const enqueue = (dedupKey: string, action?: string, url?: string) =>
  post('/v2/enqueue', event(dedupKey, action), url);

function workflowOf(key: string, dedupKey: string) {
  const found = intake.deps.directory.integrationByKeyHash(hashKey(key));
  if (!found) throw new Error('the demo account has no such key');
  const { id: integrationId, serviceId } = found.integration;
  const id = incidentWorkflowId(DEMO_ACCOUNT.id, serviceId, { integrationId, key: dedupKey });
  return intake.temporal.client.workflow.getHandle(id);
}

/** The events of each signal in the workflow's history, in order. */
async function signalsOf(dedupKey: string, key: string = DEMO_KEYS.eventsV2) {
  await intake.drained();
  const { events = [] } = await workflowOf(key, dedupKey).fetchHistory();
  return (events ?? []).flatMap((entry) => {
    const signal = entry.workflowExecutionSignaledEventAttributes;
    const payload = signal?.input?.payloads?.[0];
    return payload ? [defaultPayloadConverter.fromPayload<readonly AlertEvent[]>(payload)] : [];
  });
}

describe('202', () => {
  it('means that the event is in the incident’s history', async () => {
    const answer = await enqueue('disk');
    expect(answer.status).toBe(202);
    expect(await signalsOf('disk')).toMatchObject([
      [{ action: 'trigger', dedupKey: 'disk', payload: { summary: 'disk full' } }],
    ]);
    const { typedSearchAttributes, taskQueue, raw } = await workflowOf(
      DEMO_KEYS.eventsV2,
      'disk',
    ).describe();
    expect(taskQueue).toBe('pdlite');
    // What a worker had begun when it died is begun again after this, not after the engine's ten seconds.
    expect(Number(raw.executionConfig?.defaultWorkflowTaskTimeout?.seconds)).toBe(5);
    expect(JSON.stringify(typedSearchAttributes.getAll())).toContain('triggered');
  });

  it('keeps later events of one key in one workflow, in their order', async () => {
    for (const action of ['trigger', 'acknowledge', 'trigger', 'resolve']) {
      expect((await enqueue('order', action)).status).toBe(202);
    }
    const actions = (await signalsOf('order')).flat().map(({ action }) => action);
    expect(actions).toEqual(['trigger', 'acknowledge', 'trigger', 'resolve']);
  });

  it('drops what acknowledges or resolves nothing open', async () => {
    expect((await enqueue('nothing', 'resolve')).status).toBe(202);
    await expect(workflowOf(DEMO_KEYS.eventsV2, 'nothing').describe()).rejects.toThrow(
      WorkflowNotFoundError,
    );
  });

  it('loses none of a storm on one key, and makes few signals of it', async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, () => enqueue('storm')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    const signals = await signalsOf('storm');
    const counts = signals.flat().map(({ repeats }) => 1 + (repeats?.count ?? 0));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(200);
    expect(signals.length).toBeLessThanOrEqual(6);
  });

  it('stores every alert of an Alertmanager’s post', async () => {
    const alerts = Array.from({ length: 40 }, (_, i) => ({
      status: 'firing',
      labels: { alertname: `A${i}` },
      fingerprint: `fp${i}`,
    }));
    const answer = await post(`/integration/${DEMO_KEYS.alertmanager}/alertmanager`, {
      version: '4',
      alerts,
    });
    expect(answer.status).toBe(202);
    for (const { fingerprint } of alerts) {
      expect(await signalsOf(fingerprint, DEMO_KEYS.alertmanager)).toHaveLength(1);
    }
  });

  it('is given to an event with details far too large, which are cut', async () => {
    const custom_details = { large: '🔥'.repeat(100_000) };
    const body = { ...event('large'), payload: { ...payload, custom_details } };
    expect((await post('/v2/enqueue', body)).status).toBe(202);
    const [[stored] = []] = await signalsOf('large');
    expect(Buffer.byteLength(JSON.stringify(stored))).toBeLessThan(256 * 1024);
  });
});

describe('change events', () => {
  const change = { routing_key: DEMO_KEYS.eventsV2, payload: { summary: 'deployed' } };

  it('are in the table when 202 is answered', async () => {
    const answer = await post('/v2/change/enqueue', change);
    expect([answer.status, await answer.json()]).toEqual([
      202,
      { status: 'success', message: 'Event processed' },
    ]);
    const rows = await intake.deps.database.inAccount(DEMO_ACCOUNT.id, (trx) =>
      trx('change_events').select('summary'),
    );
    expect(rows).toEqual([{ summary: 'deployed' }]);
  });

  it('are refused by 503 without PostgreSQL, while alerts go on', async () => {
    const url = 'postgres://pdlite_app:x@127.0.0.1:1/none';
    const database = openDatabase(url, { poolMax: 1, logger });
    const cut = await intake.also({ database });
    const refused = await post('/v2/change/enqueue', change, cut.url);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '10']);
    expect((await enqueue('no-database', 'trigger', cut.url)).status).toBe(202);
    await database.close();
  });
});

describe('without Temporal and the spill', () => {
  const elsewhere = (port: number) =>
    connectTemporal({ ...intake.deps.config, TEMPORAL_ADDRESS: `127.0.0.1:${port}` }, { logger });

  it('refuses within its deadline by 503, and stays live', async () => {
    const gone = elsewhere(1);
    const { url } = await intake.also({ temporal: gone.client }, null);
    const startedAt = performance.now();
    const answer = await enqueue('gone', 'trigger', url);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
    expect(performance.now() - startedAt).toBeLessThan(6000);
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
    const ready = await fetch(`${url}/health/ready`);
    expect([ready.status, await ready.json()]).toMatchObject([200, { status: 'degraded' }]);
    await gone.close();
  });

  it('bounds what is in flight when Temporal hangs: the rest is told at once to come back', async () => {
    const sockets = new Set<Socket>();
    const hanging = createServer((socket) => sockets.add(socket)).listen(0, '127.0.0.1');
    await once(hanging, 'listening');
    const dead = elsewhere((hanging.address() as AddressInfo).port);
    const config = { ...intake.deps.config, INTAKE_MAX_IN_FLIGHT: 2 };
    const { url } = await intake.also({ temporal: dead.client, config }, null);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) => enqueue(`hang${i}`, 'trigger', url)),
    );
    const statuses = answers.map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([503]));
    expect(answers.every(({ headers }) => headers.has('retry-after'))).toBe(true);
    for (const socket of sockets) socket.destroy();
    await dead.close();
    hanging.close();
  });
});
