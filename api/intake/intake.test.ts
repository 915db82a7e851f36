import fc from 'fast-check';
import request from 'supertest';
import { beforeEach, describe, expect, it } from 'vitest';

import { SAMPLE_KEYS } from '../../test/support/memory-directory.ts';
import { sampleApi } from '../../test/support/sample-api.ts';
import { IntakeRefusal } from './sink.ts';

// Every body, good or bad, is answered through its door in the sender's own format, with PagerDuty's status
// codes and texts; what is refused is not stored, and garbage is never a 5xx.
const payload = { summary: 'disk full', source: 'db1', severity: 'critical' };
const trigger = { routing_key: SAMPLE_KEYS.strict, event_action: 'trigger', payload };
let api = sampleApi();
beforeEach(() => {
  api = sampleApi();
});
const post = (path: string, body: string | object = trigger) =>
  request(api.app).post(path).set('content-type', 'application/json').send(body);
const v2 = (body: string | object) => post('/v2/enqueue', body);

const alert = {
  status: 'firing',
  labels: { alertname: 'Disk', instance: 'db1', severity: 'critical' },
  annotations: { summary: 'full' },
  startsAt: '2026-11-23T10:00:00Z',
  fingerprint: 'f1',
};
const webhook = {
  version: '4',
  alerts: [alert, { ...alert, fingerprint: 'f2', status: 'resolved' }],
};

describe('POST /v2/enqueue', () => {
  it('takes a trigger and makes a dedup key of 32 characters', async () => {
    const { status, text } = await v2(trigger);
    expect(status).toBe(202);
    expect(text).toMatch(
      /^{"status":"success","message":"Event processed","dedup_key":"[0-9a-f]{32}"}$/,
    );
    expect(api.stored[0]?.event).toMatchObject({ action: 'trigger', integrationId: 'PINTSTRICT' });
  });

  it.each([
    [{ ...trigger, routing_key: undefined }, "'routing_key' is missing or blank"],
    [
      { ...trigger, routing_key: 'short' },
      "Length of 'routing_key' is incorrect (should be 32 characters)",
    ],
    [{ ...trigger, routing_key: 'f'.repeat(32) }, 'Invalid routing key'],
    [
      { ...trigger, payload: { ...payload, severity: undefined } },
      "'payload.severity' is missing or blank",
    ],
    [
      { ...trigger, payload: { ...payload, summary: 'x'.repeat(1025) } },
      "'summary' is too long (maiximum is 1024 characters)",
    ],
    [{ ...trigger, event_action: 'resolve' }, "'dedup_key' is missing or blank"],
  ])('refuses %j', async (body, error) => {
    const answer = await v2(body);
    expect(answer.status).toBe(400);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(answer.body).toEqual({
      status: 'invalid event',
      message: 'Event object is invalid',
      errors: [error],
    });
    expect(api.stored).toHaveLength(0);
  });

  it.each(['', '{', '[1', 'null', '[]', '"text"', '42', '{"a":1}trailing'])(
    'does not recognise %j',
    async (text) => {
      const answer = await v2(text);
      expect(answer.status).toBe(400);
      expect(answer.text).toMatch(
        /^{"status":"Unrecognized object","message":"Event object format is unrecognized","errors":\["[^"]+"\]}$/,
      );
    },
  );

  it('refuses invalid UTF-8, deep JSON and a body above 512 KB, each with a reason', async () => {
    const bytes = await request(api.app)
      .post('/v2/enqueue')
      .type('application/octet-stream')
      .send(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]));
    expect(bytes.status).toBe(400);
    expect(bytes.text).toContain('UTF-8');
    const deep = await v2(`{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`);
    expect([deep.status, deep.body]).toEqual([
      400,
      expect.objectContaining({ errors: [expect.stringContaining('deeper than 20')] }),
    ]);
    const padding = (total: number) => JSON.stringify(trigger).padEnd(total, ' ');
    expect((await v2(padding(512 * 1024))).status).toBe(202);
    const large = await v2(padding(512 * 1024 + 1));
    expect([large.status, large.body]).toMatchObject([413, { status: 'invalid event' }]);
  });

  it('mends for a lenient integration and says so', async () => {
    const body = {
      ...trigger,
      routing_key: SAMPLE_KEYS.lenient,
      payload: { summary: 'x'.repeat(2000) },
    };
    const answer = await v2(body);
    expect(answer.status).toBe(202);
    expect(answer.text).toContain('"warnings":["');
    expect(api.stored[0]?.event.payload?.summary).toHaveLength(1024);
  });

  it('throttles an integration at its own limit, with PagerDuty’s words', async () => {
    const body = { ...trigger, routing_key: SAMPLE_KEYS.limited };
    const statuses = [await v2(body), await v2(body)].map(({ status }) => status);
    const third = await v2(body);
    expect([...statuses, third.status]).toEqual([202, 202, 429]);
    expect(third.body).toMatchObject({ status: 'throttle exceeded' });
    expect(Number(third.headers['retry-after'])).toBeGreaterThan(0);
    expect((await v2(trigger)).status).toBe(202);
  });

  it('accepts and drops events for a disabled service', async () => {
    expect((await v2({ ...trigger, routing_key: SAMPLE_KEYS.disabled })).status).toBe(202);
    expect(api.stored).toHaveLength(0);
  });

  it('says overloaded and unreachable by 503, both with Retry-After, in the Events format', async () => {
    for (const [reason, status] of [
      ['overloaded', 503],
      ['unavailable', 503],
    ] as const) {
      api.fail(new IntakeRefusal(reason, 3));
      const answer = await v2(trigger);
      expect([answer.status, answer.headers['retry-after']]).toEqual([status, '3']);
      expect(answer.body).toMatchObject({ errors: [expect.any(String)] });
    }
    api.fail(new Error('secret inside'));
    const broken = await v2(trigger);
    expect(broken.status).toBe(500);
    expect(broken.text).not.toContain('secret');
  });

  it('cleans what PostgreSQL could not store, and passes the trace on', async () => {
    const traceparent = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`;
    const text = JSON.stringify({ ...trigger, payload: { ...payload, summary: 'X' } }).replace(
      '"X"',
      String.raw`"a\u0000b\ud800c"`,
    );
    await post('/v2/enqueue', text).set('traceparent', traceparent);
    expect(api.stored[0]?.event.payload?.summary).toBe('ab\ufffdc');
    expect(api.stored[0]?.event.traceparent).toBe(traceparent);
  });
});

describe('the other doors', () => {
  it('takes the key in the path', async () => {
    const body = { event_action: 'trigger', dedup_key: 'k', payload };
    const { status } = await post(`/integration/${SAMPLE_KEYS.strict}/enqueue`, body);
    expect([status, api.stored[0]?.event.dedupKey]).toEqual([202, 'k']);
  });

  it('answers Events v1 as v1 does', async () => {
    const v1 = '/generic/2010-04-15/create_event.json';
    const event = { service_key: SAMPLE_KEYS.strict, event_type: 'trigger', description: 'd' };
    const taken = await post(v1, { ...event, incident_key: 'k' });
    expect([taken.status, taken.body]).toEqual([
      200,
      { status: 'success', message: 'Event processed', incident_key: 'k' },
    ]);
    expect((await post(v1, { ...event, service_key: 'x' })).body).toMatchObject({
      errors: ['Service key is the wrong length (should be 32 characters)'],
    });
    const limited = { ...event, service_key: SAMPLE_KEYS.limited };
    const statuses: number[] = [];
    for (let i = 0; i < 3; i += 1) statuses.push((await post(v1, limited)).status);
    expect(statuses).toEqual([200, 200, 403]);
  });

  it('takes an Alertmanager’s post with the key in path, bearer or basic credentials', async () => {
    const inPath = await post(`/integration/${SAMPLE_KEYS.strict}/alertmanager`, webhook);
    const bearer = await post('/integration/alertmanager', webhook).set(
      'authorization',
      `Bearer ${SAMPLE_KEYS.strict}`,
    );
    const basic = await post('/integration/alertmanager', webhook).auth('any', SAMPLE_KEYS.strict);
    expect([inPath, bearer, basic].map(({ status }) => status)).toEqual([202, 202, 202]);
    expect(api.stored.map(({ event }) => `${event.action} ${event.dedupKey}`).slice(0, 2)).toEqual([
      'trigger f1',
      'resolve f2',
    ]);
  });

  it('answers webhooks 401 without a key, 503 and never 429 when they should come back', async () => {
    expect((await post('/integration/alertmanager', webhook)).status).toBe(401);
    const path = `/integration/${SAMPLE_KEYS.limited}/alertmanager`;
    await post(path, webhook);
    const limited = await post(path, webhook);
    expect(limited.status).toBe(503);
    expect(Number(limited.headers['retry-after'])).toBeGreaterThan(0);
    api.fail(new IntakeRefusal('overloaded', 1));
    expect((await post(`/integration/${SAMPLE_KEYS.strict}/alertmanager`, webhook)).status).toBe(
      503,
    );
  });

  it('reads generic JSON by the integration’s mapping', async () => {
    const { status } = await post(`/integration/${SAMPLE_KEYS.generic}/events`, {
      title: 'it burns',
      id: 7,
    });
    expect(status).toBe(202);
    expect(api.stored[0]?.event).toMatchObject({ dedupKey: '7', payload: { summary: 'it burns' } });
  });

  it('says 503 for change events while PostgreSQL is away, after checking them', async () => {
    const change = { routing_key: SAMPLE_KEYS.strict, payload: { summary: 'deployed' } };
    const away = await post('/v2/change/enqueue', change);
    expect(away.status).toBe(503);
    expect(away.headers['retry-after']).toBe('10');
    expect((await post('/v2/change/enqueue', { ...change, payload: {} })).status).toBe(400);
  });

  it('never redirects, and refuses other methods in the door’s format', async () => {
    expect((await post('/v2/enqueue/')).status).toBe(202);
    const get = await request(api.app).get('/v2/enqueue');
    expect([get.status, get.headers['allow']]).toEqual([405, 'POST']);
    expect(get.body).toMatchObject({ status: 'invalid event' });
    expect((await post('//v2//enqueue')).status).toBe(404);
  });

  it('is closed until the directory has been loaded', async () => {
    const { deps } = api;
    api = sampleApi({ directory: { ...deps.directory, ready: false } });
    expect((await v2(trigger)).status).toBe(503);
  });
});

describe('garbage', () => {
  const paths = [
    '/v2/enqueue',
    `/integration/${SAMPLE_KEYS.strict}/enqueue`,
    `/integration/${SAMPLE_KEYS.lenient}/enqueue`,
    `/integration/${SAMPLE_KEYS.strict}/alertmanager`,
    `/integration/${SAMPLE_KEYS.generic}/events`,
    '/generic/2010-04-15/create_event.json',
  ];

  it('is never a 5xx and always answered in JSON', async () => {
    const text = fc.oneof(
      fc.json(),
      fc.string({ unit: 'binary' }),
      fc.json().map((json) => `{"routing_key":"${SAMPLE_KEYS.strict}","payload":${json}}`),
      fc
        .json()
        .map((json) => `{"event_action":"trigger","payload":{"summary":"s","links":${json}}}`),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), text, async (path, body) => {
        const answer = await post(path, body);
        expect(answer.status).toBeLessThan(500);
        expect(answer.headers['content-type']).toMatch(/^application\/json/);
      }),
      { numRuns: 150 },
    );
  });
});
