// Vonage's webhooks count only when Vonage signed their very body, lately, for our application; then texts, keys
// and reports mean what they mean from any other vendor.
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import express from 'express';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { ApiDeps } from '../../api/deps.ts';
import type { Responders } from '../../api/inbound/responders.ts';
import { createInboundRouter } from '../../api/inbound/router.ts';
import type { ContactMethod } from '../../domain/model.ts';
import type { Receipt } from '../../domain/receipt.ts';
import type { Reply } from '../../domain/responder/types.ts';
import { loadConfig } from '../../platform/config.ts';
import { signToken } from '../../platform/tokens.ts';
import { webhookToken } from '../../simulators/vonage/signed-post.ts';
import { memoryDirectory, sampleAccount } from '../support/memory-directory.ts';
import { vonageCredentials, vonageProvider } from '../support/vonage.ts';

const SECRET = 'a link secret of at least 32 characters';
const NOW = Date.parse('2026-11-23T12:00:00Z');
const signer = vonageCredentials();

const account = sampleAccount();
const phone: ContactMethod = {
  ...{ id: 'C1', userId: 'PRESPONDER', channel: 'sms', label: '', address: '+15005550101' },
  ...{ verifiedAt: '2026-01-01T00:00:00Z', optedOutAt: null, secret: null },
};
const directory = memoryDirectory([
  {
    ...account,
    users: account.users.map((user) =>
      user.id === phone.userId ? { ...user, contactMethods: [phone] } : user,
    ),
  },
]);

let replies: Reply[] = [];
let receipts: Receipt[] = [];
let texts: string[] = [];
const responders: Responders = {
  reply: (_who, reply) => {
    replies.push(reply);
    return Promise.resolve('recorded');
  },
  receipt: (_who, receipt) => {
    receipts.push(receipt);
    return Promise.resolve('recorded');
  },
  optOut: () => Promise.resolve('recorded'),
  outcome: () => Promise.resolve(null),
  look: () => Promise.resolve({ titles: [], answered: null }),
};

function depsWith(providers: readonly unknown[]): ApiDeps {
  return {
    config: loadConfig({
      ...{ PUBLIC_URL: 'https://pages.example.test', LINK_SECRET: SECRET },
      PROVIDERS: JSON.stringify(providers),
    }),
    ...{ logger: pino({ level: 'silent' }), directory },
    database: {
      inAccount: () => Promise.resolve(undefined as never),
      mode: () => 'unavailable',
      outage: () => null,
      untilWritable: () => Promise.resolve(false),
      close: () => Promise.resolve(),
    },
    temporal: undefined as never,
    now: () => new Date(NOW),
    sendText: ({ to, text }) => {
      texts.push(`${to}: ${text}`);
      return Promise.resolve();
    },
  };
}

const servers: Server[] = [];
let origin = '';
let bare = '';
async function serve(providers: readonly unknown[]): Promise<string> {
  const app = express().use(createInboundRouter(depsWith(providers), responders));
  const server = createServer(app).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
beforeAll(async () => {
  origin = await serve([vonageProvider('v', 'http://127.0.0.1:9')]);
  bare = await serve([]);
});
beforeEach(() => {
  [replies, receipts, texts] = [[], [], []];
});
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

interface Posting {
  readonly authorization?: string;
  readonly body?: string;
  readonly at?: string;
}
async function post(path: string, content: object, posting: Posting = {}) {
  const body = posting.body ?? JSON.stringify(content);
  const authorization = posting.authorization ?? `Bearer ${webhookToken(signer, body, NOW)}`;
  const response = await fetch(`${posting.at ?? origin}/inbound/vonage${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: authorization },
    body,
  });
  return { status: response.status, text: await response.text() };
}
const message = { channel: 'sms', message_type: 'text', message_uuid: 'm-1', to: '1555' };
const text = (words: string) => ({ ...message, from: '15005550101', text: words });
const script = signToken(SECRET, {
  ...{ v: 1, kind: 'voice', accountId: 'PA', userId: 'PU', contactMethodId: 'C1' },
  ...{ code: 'ABC234', incidentIds: ['I1'], text: 'Disk <full>.', expiresAtMs: NOW + 1000 },
  tokenId: 'responder/PA/PU/AB-1#voice',
});

describe('signatures', () => {
  it('are demanded: forged, unsigned, old, of another body, secret, key or application', async () => {
    const body = JSON.stringify(text('4'));
    const good = webhookToken(signer, body, NOW);
    const [header = '', payload = '', mac = ''] = good.split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const other = (change: Partial<typeof signer>, nowMs = NOW) =>
      webhookToken({ ...signer, ...change }, body, nowMs);
    const noHash = Buffer.from(
      JSON.stringify({ iat: NOW / 1000, api_key: signer.apiKey }),
    ).toString('base64url');
    const unhashed = `${header}.${noHash}`;
    const wrong = [
      ...['', 'Basic x', 'Bearer ', 'Bearer x', 'Bearer a.b.c', `Bearer ${header}.${payload}.`],
      ...[`Bearer ${header}.${payload}.${mac.slice(0, -1)}`, `Bearer ${none}.${payload}.`],
      ...[`Bearer ${none}.${payload}.${mac}`, `Bearer ${good}x`, `Bearer ${good} ${good}`],
      `Bearer ${unhashed}.${createHmac('sha256', signer.signatureSecret).update(unhashed).digest('base64url')}`,
      `Bearer ${other({ signatureSecret: 'another-signature-secret' })}`,
      `Bearer ${other({ apiKey: 'another' })}`,
      `Bearer ${other({ applicationId: 'another' })}`,
      `Bearer ${other({}, NOW - 301_000)}`,
      `Bearer ${other({}, NOW + 301_000)}`,
      `Bearer ${webhookToken(signer, JSON.stringify(text('6')), NOW)}`,
    ];
    for (const authorization of wrong)
      expect((await post('/sms', {}, { authorization, body })).status, authorization).toBe(403);
    for (const path of ['/sms', '/status', `/voice/${script}`, `/voice/${script}/digits`])
      expect((await post(path, text('4'), { at: bare })).status, path).toBe(403);
    expect((await post('/sms', {}, { authorization: `Bearer ${good}`, body })).status).toBe(200);
    expect(replies).toHaveLength(1);
  });

  it('count although the machine’s clock was set wrong after the api began', async () => {
    const body = JSON.stringify(text('4'));
    const authorization = `Bearer ${webhookToken(signer, body, Date.now())}`;
    expect(Math.abs(Date.now() - NOW)).toBeGreaterThan(600_000);
    expect((await post('/sms', {}, { authorization, body })).status).toBe(200);
    expect(replies).toHaveLength(1);
  });

  it('of what cannot be read change nothing, and break nothing', async () => {
    for (const body of ['', 'x', '[]', 'null', '{"channel":"sms"}', '{"dtmf":7,"uuid":"u"}']) {
      for (const path of ['/sms', '/status', `/voice/${script}/events`])
        expect((await post(path, {}, { body })).status, body).toBeLessThan(300);
      const { text: answer } = await post(`/voice/${script}/digits`, {}, { body });
      expect(answer).toContain('"input"');
    }
    expect([replies, receipts, texts]).toEqual([[], [], []]);
  });
});

describe('texts', () => {
  it('are handed to the responder, with the plus that Vonage leaves out', async () => {
    await post('/sms', text('6 abc234'));
    expect(replies).toMatchObject([
      { replyId: 'm-1', via: 'sms', action: 'resolve', code: 'ABC234' },
    ]);
    expect(texts).toEqual([]);
  });

  it('are answered by a text of their own; strangers are not', async () => {
    await post('/sms', text('who is this?'));
    await post('/sms', { ...text('HELP'), from: '15559999999' });
    expect(texts).toEqual([expect.stringMatching(/^\+15005550101: .*reply 4/) as string]);
  });
});

describe('calls', () => {
  const key = (digits: string, path = '/digits?round=1') =>
    post(`/voice/${script}${path}`, { uuid: 'c-1', dtmf: { digits, timed_out: digits === '' } });

  it('say the text, without what would be markup, and listen', async () => {
    const { text: answer } = await post(`/voice/${script}`, { uuid: 'c-1' });
    expect(JSON.parse(answer)).toMatchObject([
      {
        action: 'talk',
        bargeIn: true,
        text: expect.stringMatching(/^Disk less than full/) as string,
      },
      {
        action: 'input',
        eventUrl: [`https://pages.example.test/inbound/vonage/voice/${script}/digits?round=1`],
      },
    ]);
  });

  it.each([
    ['4', 'acknowledge'],
    ['6', 'resolve'],
    ['5', 'escalate'],
  ])('take the key %s for %s', async (digits, action) => {
    expect((await key(digits)).text).toContain('recorded');
    expect(replies).toMatchObject([{ replyId: `c-1/${digits}`, via: 'voice', action }]);
  });

  it('say it twice to somebody who presses nothing, and again at star', async () => {
    expect((await key('')).text).toContain('round=2');
    expect((await key('', '/digits?round=2')).text).toContain('No key was pressed');
    expect((await key('*', '/digits?round=2')).text).toContain('round=1');
    expect(replies).toEqual([]);
  });

  it('of other tokens change nothing', async () => {
    const answer = await post('/voice/x/digits', { uuid: 'c-1', dtmf: { digits: '4' } });
    expect(answer.text).toContain('out of date');
    expect(replies).toEqual([]);
  });
});

describe('reports', () => {
  it('count once, in whatever order; what is final is passed on with the delivery that it is about', async () => {
    const report = { message_uuid: 'm-9', client_ref: 'responder/PA/PU/AB-1' };
    for (const status of ['delivered', 'submitted', 'delivered', 'nonsense'])
      expect((await post('/status', { ...report, status })).status).toBe(204);
    const type = 'https://developer.vonage.com/api-errors/messages#1180';
    await post('/status', { ...report, status: 'rejected', error: { type } });
    const { client_ref: deliveryId } = report;
    expect(receipts).toMatchObject([
      { deliveryId, providerId: 'm-9', state: 'delivered' },
      { deliveryId, providerId: 'm-9', state: 'unreached', code: '1180' },
    ]);
  });

  it('about calls are passed on where somebody waits; a machine is nobody', async () => {
    for (const status of ['started', 'ringing', 'answered', 'machine', 'completed'])
      await post(`/voice/${script}/events?report=1`, { uuid: 'c-2', status });
    await post(`/voice/${script}/events`, { uuid: 'c-3', status: 'busy' });
    await post('/voice/x/events?report=1', { uuid: 'c-4', status: 'busy' });
    const deliveryId = 'responder/PA/PU/AB-1';
    expect(receipts).toMatchObject([
      { deliveryId, providerId: 'c-2', state: 'delivered' },
      { deliveryId, providerId: 'c-2', state: 'unreached' },
    ]);
  });
});
