/**
 * The operations without a REST key are the doors where one shows by other means who one is: an integration's
 * key, the vendor's signature, a signed link. Without that, or with a forged one, each refuses by its own
 * word, never by a failure of PostgreSQL or Temporal, which are not there; metrics are not on this port.
 */
import request from 'supertest';
import twilio from 'twilio';
import { describe, expect, test } from 'vitest';

import { loadConfig } from '../../platform/config.ts';
import { signToken, type TokenPayload } from '../../platform/tokens.ts';
import { webhookToken } from '../../simulators/vonage/signed-post.ts';
import { at } from '../support/incident-api.ts';
import { SAMPLE_KEYS, SAMPLE_REST_KEYS } from '../support/memory-directory.ts';
import { sampleApi } from '../support/sample-api.ts';
import { vonageCredentials, vonageProvider } from '../support/vonage.ts';

const SID = 'AC00000000000000000000000000000001';
const AUTH_TOKEN = 'an-auth-token';
const PUBLIC_URL = 'https://pages.example.test';
const SECRET = 'a link secret of at least 32 characters';
const NOW = Date.parse('2026-11-23T12:00:00Z');

/** By what each open operation knows its caller; `self` tells about the api and asks nobody. */
const DOORS: Readonly<
  Record<string, 'integration key' | 'signature' | 'webhook token' | 'link' | 'self'>
> = {
  enqueueEvent: 'integration key',
  enqueueEventByKey: 'integration key',
  enqueueChangeEvent: 'integration key',
  createEventV1: 'integration key',
  receiveAlertmanagerByKey: 'integration key',
  receiveAlertmanager: 'integration key',
  receiveGenericByKey: 'integration key',
  receiveGeneric: 'integration key',
  receiveGrafanaByKey: 'integration key',
  receiveGrafana: 'integration key',
  receiveCloudWatch: 'integration key',
  getHeartbeatByKey: 'integration key',
  postHeartbeatByKey: 'integration key',
  getHeartbeat: 'integration key',
  postHeartbeat: 'integration key',
  receiveSms: 'signature',
  answerCall: 'signature',
  receiveDigits: 'signature',
  receiveStatus: 'signature',
  answerVonageCall: 'webhook token',
  receiveVonageDigits: 'webhook token',
  receiveVonageEvent: 'webhook token',
  receiveVonageStatus: 'webhook token',
  receiveVonageText: 'webhook token',
  askAnswer: 'link',
  giveAnswer: 'link',
  healthLive: 'self',
  healthReady: 'self',
  describeApi: 'self',
  showDocs: 'self',
  start: 'self',
};

/** What a known key is told where it is not enough by itself; elsewhere its event is taken. */
const NOT_ENOUGH: Readonly<Record<string, readonly [status: number, why: RegExp]>> = {
  // PostgreSQL is not there
  enqueueChangeEvent: [503, /./],
  receiveCloudWatch: [400, /Message/],
  getHeartbeatByKey: [400, /takes alerts, not heartbeats/],
  postHeartbeatByKey: [400, /takes alerts, not heartbeats/],
  getHeartbeat: [400, /takes alerts, not heartbeats/],
  postHeartbeat: [400, /takes alerts, not heartbeats/],
};

const twilioProvider = {
  ...{ id: 'a', kind: 'twilio', channels: ['sms', 'voice'], accountSid: SID },
  ...{ authToken: AUTH_TOKEN, from: '+15005550006' },
};
const PROVIDERS = JSON.stringify([twilioProvider, vonageProvider('b', 'http://127.0.0.1:9')]);
const config = loadConfig({ PUBLIC_URL, LINK_SECRET: SECRET, PROVIDERS });
const { app, stored } = sampleApi({ config });
const document: unknown = (await request(app).get('/openapi.json')).body;
const open = Object.entries(at(document, 'paths') as Record<string, object>).flatMap(
  ([path, item]) =>
    Object.entries(item)
      .filter(([, operation]) => at(operation, 'security', '0') === undefined)
      .map(([method, operation]) => {
        return { path, method, name: String(at(operation, 'operationId')) };
      }),
);
const by = (kind: string) => open.filter(({ name }) => DOORS[name] === kind);
const send = (method: string, path: string) => request(app)[method as 'get' | 'post'](path);

test('every operation without a key is a known door', () => {
  expect(
    open.map(({ name }) => name).sort(),
    'a new door says here by what it knows its caller, and is tried below',
  ).toEqual(Object.keys(DOORS).sort());
});

describe.each(by('integration key'))('$name', ({ name, method, path }) => {
  const event = {
    ...{ event_action: 'trigger', event_type: 'trigger', description: 'Disk full' },
    payload: { summary: 'Disk full', source: 'db', severity: 'critical' },
    alerts: [{ status: 'firing', labels: { alertname: 'Disk' }, annotations: {} }],
    title: 'Disk full',
  };
  const knock = (key: string, authorization = `Bearer ${key}`) =>
    send(method, path.replace('{key}', key))
      .set('authorization', authorization)
      .send({ ...event, routing_key: key, service_key: key });

  test('takes events of its integrations, and of nobody else', async () => {
    const good = path.includes('events') ? SAMPLE_KEYS.generic : SAMPLE_KEYS.strict;
    const taken = await knock(good);
    const [status, why] = NOT_ENOUGH[name] ?? [path.includes('generic') ? 200 : 202, /success/];
    expect(taken.status).toBe(status);
    expect(taken.text).toMatch(why);
    const before = stored.length;
    const bad = ['f'.repeat(32), 'f'.repeat(31), 'F'.repeat(32), SAMPLE_REST_KEYS.admin];
    for (const key of bad) {
      const refused = await knock(key);
      expect([400, 401], `${path} ${key}`).toContain(refused.status);
    }
    if (!path.includes('{key}') && path.startsWith('/integration')) {
      for (const header of ['', 'Bearer', `Token token=${good}`, `Bearer ${good} x`])
        expect([400, 401], header).toContain((await knock(good, header)).status);
    }
    expect(stored.length).toBe(before);
  });
});

describe.each(by('signature'))('$name', ({ method, path: template }) => {
  const path = template.replace('{token}', token({ kind: 'voice' })).replace('{channel}', 'sms');
  const form = { AccountSid: SID, From: '+15005550101', Body: '4', MessageSid: 'SM1', Digits: '4' };
  const sign = (secret: string, url: string, fields: Record<string, string> = form) =>
    twilio.getExpectedTwilioSignature(secret, url, fields);

  test.each([
    ['no signature', ''],
    ['a made-up one', 'bm90IGEgc2lnbmF0dXJl'],
    ['one by another secret', sign('another-token', PUBLIC_URL + path)],
    ['one by an empty secret', sign('', PUBLIC_URL + path)],
    ['one for another path', sign(AUTH_TOKEN, `${PUBLIC_URL}/inbound/twilio`)],
    ['one for the host of the request', sign(AUTH_TOKEN, `http://127.0.0.1${path}`)],
    ['one for another text', sign(AUTH_TOKEN, PUBLIC_URL + path, { ...form, Body: '6' })],
  ])('refuses %s', async (_, signature) => {
    const answer = await send(method, path)
      .type('form')
      .set('x-twilio-signature', signature)
      .set({ 'x-forwarded-host': 'pages.example.test', 'x-forwarded-proto': 'https' })
      .send(form);
    expect(answer.status).toBe(403);
    expect(answer.text).not.toContain('<Response');
  });
});

describe.each(by('webhook token'))('$name', ({ method, path: template }) => {
  const path = template.replace('{token}', token({ kind: 'voice' }));
  const body = JSON.stringify({ channel: 'sms', message_uuid: 'm', from: '1555', text: '4' });
  const signer = vonageCredentials();
  const signed = (change: Partial<typeof signer>, content = body, nowMs = Date.now()) =>
    `Bearer ${webhookToken({ ...signer, ...change }, content, nowMs)}`;

  test.each([
    ['no token', ''],
    ['a made-up one', 'Bearer a.b.c'],
    ['one by another secret', signed({ signatureSecret: 'another-signature-secret' })],
    ['one of another account', signed({ apiKey: 'another' })],
    ['one for another text', signed({}, body.replace('4', '6'))],
    ['one that is over', signed({}, body, Date.now() - 600_000)],
  ])('refuses %s', async (_, authorization) => {
    const sending = send(method, path).type('json').set('authorization', authorization);
    const answer = await sending.send(body);
    expect(answer.status).toBe(403);
    expect(answer.text).not.toContain('talk');
  });
});

describe.each(by('link'))('$name', ({ method, path }) => {
  const good = token({});
  test.each([
    ['no link at all', 'x'],
    ['one of another secret', token({}, 'another secret of at least 32 characters')],
    ['one that was changed', good.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'))],
    ['one without its signature', good.split('.')[0] ?? ''],
    ['one that is over', token({ expiresAtMs: NOW - 1 })],
    ['one for a call', token({ kind: 'voice' })],
    ['one for a reply', token({ kind: 'reply' })],
  ])('refuses %s', async (_, value) => {
    const answer = await send(method, path.replace('{token}', value)).set('accept', 'text/html');
    expect(answer.status).toBe(410);
    expect(answer.text).not.toContain('<form');
  });
});

function token(more: Partial<TokenPayload>, secret = SECRET): string {
  return signToken(secret, {
    ...{ v: 1, kind: 'link', accountId: 'PACCOUNT', userId: 'POWNER', contactMethodId: 'PC' },
    ...{ code: 'ABC234', action: 'acknowledge', incidentIds: [], tokenId: 'T' },
    expiresAtMs: NOW + 60_000,
    ...more,
  });
}

test('what the api tells about itself names no account, and there are no metrics here', async () => {
  for (const { method, path } of by('self')) {
    const { text } = await send(method, path);
    expect(text, path).not.toContain('PACCOUNT');
  }
  for (const path of ['/metrics', '/health/metrics', '/debug', '/inbound', '/integration'])
    expect((await request(app).get(path)).status, path).toBe(404);
});
