// Answers count only when they are genuine: a callback needs the vendor's signature for the configured URL,
// a link or reply address needs ours, machines and programs that open links never answer, and whoever
// answered is told the truth, above all when it was not recorded.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import express from 'express';
import { createTransport } from 'nodemailer';
import { pino } from 'pino';
import twilio from 'twilio';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import type { ApiDeps } from '../../api/deps.ts';
import type { Recorded, Responders } from '../../api/inbound/responders.ts';
import { createInboundRouter } from '../../api/inbound/router.ts';
import { startInboundSmtp } from '../../api/inbound/smtp.ts';
import { createMailIntake } from '../../api/intake/mail.ts';
import type { IntakeSink } from '../../api/intake/sink.ts';
import type { RunningSmtp } from '../../api/inbound/smtp.ts';
import { indexAccount } from '../../domain/directory.ts';
import type { AccountIndex, Directory } from '../../domain/directory.ts';
import type { Channel } from '../../domain/model.ts';
import type { Receipt } from '../../domain/receipt.ts';
import type { OptOut, Reply, ReplyOutcome } from '../../domain/responder/types.ts';
import { loadConfig } from '../../platform/config.ts';
import { signReplyAddress, signToken } from '../../platform/tokens.ts';
import type { TokenPayload } from '../../platform/tokens.ts';

const PUBLIC = 'https://pages.example.test/pd';
const TOKEN = 'an-auth-token';
const SID = 'AC00000000000000000000000000000001';
const SECRET = 'a link secret of at least 32 characters';
const ADA = '+15551110001';
const SHARED = '+15551110002';
const NOW = Date.parse('2026-11-23T12:00:00Z');

const accountA = account('PACCA000000000', 'PUSERA00000000', [ADA, SHARED]);
const accountB = account('PACCB000000000', 'PUSERB00000000', [SHARED]);
const accounts = new Map([accountA, accountB].map((index) => [index.account.id, index]));
const directory: Directory = {
  account: (id) => accounts.get(id),
  accounts: () => [...accounts.values()],
  integrationByKeyHash: () => undefined,
  apiKeyByHash: () => undefined,
  ageMs: () => 0,
  contactMethodsByAddress: (address) =>
    [...accounts.values()].flatMap((index) =>
      index.config.users.flatMap((user) =>
        user.contactMethods
          .filter((method) => method.address === address)
          .map((method) => ({ index, userId: user.id, contactMethodId: method.id })),
      ),
    ),
};

function account(id: string, userId: string, numbers: readonly string[]): AccountIndex {
  const method = (methodId: string, channel: Channel, address: string) => ({
    ...{ id: methodId, userId, channel, label: '', address, verifiedAt: '2026-01-01T00:00:00Z' },
    ...{ optedOutAt: null, secret: null },
  });
  const phones = numbers.map((number) => method(`${userId}-sms-${number}`, 'sms', number));
  return indexAccount({
    account: {
      ...{ id, subdomain: 'a', name: 'A', timeZone: 'Etc/UTC', catchAllUserId: null },
      ...{ ownerUserId: userId, requireReplyCodes: false },
    },
    users: [
      {
        ...{ id: userId, name: 'Ada', email: 'ada@people.test', timeZone: 'Etc/UTC', role: 'user' },
        ...{ jobTitle: null, description: null, teamIds: [], notificationRules: [] },
        contactMethods: [
          ...phones,
          method(`${userId}-mail`, 'email', 'ada@people.test'),
          method(`${userId}-push`, 'push', 'ada'),
        ],
      },
    ],
    ...{ teams: [], schedules: [], policies: [], services: [], integrations: [], apiKeys: [] },
    version: 1,
  });
}

let replies: Reply[] = [];
let optOuts: OptOut[] = [];
let receipts: Receipt[] = [];
let recorded: Recorded = 'recorded';
let outcome: ReplyOutcome | null = null;
let answered: string | null = null;
let databaseWorks = true;
const responders: Responders = {
  reply: (_who, reply) => {
    if (recorded === 'recorded') replies.push(reply);
    return Promise.resolve(recorded);
  },
  optOut: (_who, optOut) => {
    if (recorded === 'recorded') optOuts.push(optOut);
    return Promise.resolve(recorded);
  },
  receipt: (_who, receipt) => {
    receipts.push(receipt);
    return Promise.resolve(recorded);
  },
  outcome: () => Promise.resolve(outcome),
  look: () => Promise.resolve({ titles: ['#7 <b>Disk</b> full'], answered }),
};

function depsWith(environment: Record<string, string>): ApiDeps {
  const twilioProvider = {
    ...{
      id: 't',
      kind: 'twilio',
      channels: ['sms'],
      accountSid: SID,
      authToken: TOKEN,
      from: '+1',
    },
  };
  return {
    config: loadConfig({
      ...{
        PUBLIC_URL: PUBLIC,
        LINK_SECRET: SECRET,
        REPLY_DOMAIN: 'reply.test',
        INBOUND_SMTP_PORT: '0',
      },
      PROVIDERS: JSON.stringify([twilioProvider]),
      ...environment,
    }),
    logger: pino({ level: 'silent' }),
    directory,
    database: {
      inAccount: () =>
        databaseWorks ? Promise.resolve(undefined as never) : Promise.reject(new Error('down')),
      mode: () => 'unavailable',
      outage: () => null,
      untilWritable: () => Promise.resolve(false),
      close: () => Promise.resolve(),
    },
    temporal: undefined as never,
    now: () => new Date(NOW),
  };
}

let server: Server;
let bare: Server;
let smtp: RunningSmtp;
let origin = '';

async function serve(deps: ApiDeps): Promise<Server> {
  const app = express().use(createInboundRouter(deps, responders));
  const started = createServer(app).listen(0, '127.0.0.1');
  await once(started, 'listening');
  return started;
}
const portOf = (started: Server) => (started.address() as AddressInfo).port;

beforeAll(async () => {
  server = await serve(depsWith({}));
  bare = await serve(depsWith({ PROVIDERS: '[]' }));
  origin = `http://127.0.0.1:${portOf(server)}`;
  const deps = depsWith({});
  const sink: IntakeSink = { accept: () => Promise.resolve('stored') };
  smtp = await startInboundSmtp(deps, { responders, intake: createMailIntake({ deps, sink }) });
});
beforeEach(() => {
  replies = [];
  optOuts = [];
  receipts = [];
  recorded = 'recorded';
  outcome = null;
  answered = null;
  databaseWorks = true;
});
afterAll(async () => {
  for (const started of [server, bare]) {
    started.closeAllConnections();
    started.close();
  }
  await smtp.close();
});

interface Posting {
  readonly signedUrl?: string;
  readonly signature?: string;
  readonly headers?: Record<string, string>;
  readonly at?: string;
}

async function post(path: string, form: Record<string, string>, options: Posting = {}) {
  const fields = { AccountSid: SID, ...form };
  const url = options.signedUrl ?? PUBLIC + path;
  const signature = options.signature ?? twilio.getExpectedTwilioSignature(TOKEN, url, fields);
  const response = await fetch((options.at ?? origin) + path, {
    method: 'POST',
    headers: { 'X-Twilio-Signature': signature, ...options.headers },
    body: new URLSearchParams(fields),
  });
  return { status: response.status, text: await response.text() };
}
const sms = (Body: string, From = ADA, options: Posting = {}) =>
  post('/inbound/twilio/sms', { From, Body, MessageSid: 'SM1' }, options);

function token(change: Partial<TokenPayload> = {}, secret = SECRET): string {
  return signToken(secret, {
    ...{ v: 1, kind: 'link', accountId: 'PACCA000000000', userId: 'PUSERA00000000' },
    ...{ contactMethodId: 'PUSERA00000000-mail', code: 'ABC234', action: 'acknowledge' },
    ...{ incidentIds: ['I1'], tokenId: 'T1', expiresAtMs: NOW + 1000 },
    ...change,
  });
}

describe('signatures', () => {
  it('are demanded: forged, cut, of another URL, body or account, all are refused', async () => {
    const fields = { AccountSid: SID, From: ADA, Body: '4', MessageSid: 'SM1' };
    const good = twilio.getExpectedTwilioSignature(TOKEN, `${PUBLIC}/inbound/twilio/sms`, fields);
    expect((await sms('4', ADA, { signature: good })).status).toBe(200);
    for (const signature of [
      '',
      'AAAA',
      good.slice(0, -1),
      good.slice(1),
      `${good}=`,
      good.toLowerCase(),
    ])
      expect((await sms('4', ADA, { signature })).status, signature).toBe(403);
    expect((await sms('6', ADA, { signature: good })).status).toBe(403);
    const other = { From: ADA, Body: '4', AccountSid: 'AC00000000000000000000000000000002' };
    expect((await post('/inbound/twilio/sms', other)).status).toBe(403);
    expect(replies).toHaveLength(1);
  });

  it('are checked against the configured URL, whatever the request says of itself', async () => {
    const wrong = [
      ...[`${origin}/inbound/twilio/sms`, 'http://pages.example.test/pd/inbound/twilio/sms'],
      ...[
        'https://evil.test/pd/inbound/twilio/sms',
        'https://pages.example.test/inbound/twilio/sms',
      ],
      ...[`${PUBLIC}/inbound/twilio/sms?a=1`, `${PUBLIC}/inbound/twilio/sms/`],
    ];
    for (const signedUrl of wrong) {
      const { host, protocol } = new URL(signedUrl);
      const headers = {
        ...{ 'X-Forwarded-Host': host, 'X-Forwarded-Proto': protocol.slice(0, -1) },
        ...{
          Forwarded: `host=${host};proto=${protocol.slice(0, -1)}`,
          'X-Original-URL': signedUrl,
        },
      };
      expect((await sms('4', ADA, { signedUrl, headers })).status, signedUrl).toBe(403);
    }
    expect(replies).toEqual([]);
    const headers = { 'X-Forwarded-Host': 'evil.test', 'X-Forwarded-Proto': 'http' };
    expect((await sms('4', ADA, { headers })).status).toBe(200);
  });

  it('are all refused while no account is configured', async () => {
    const at = `http://127.0.0.1:${portOf(bare)}`;
    expect((await sms('4', ADA, { at })).status).toBe(403);
    for (const path of ['/status/sms', `/voice/${token({ kind: 'voice' })}`])
      expect((await post(`/inbound/twilio${path}`, {}, { at })).status).toBe(403);
  });
});

describe('text messages', () => {
  it.each([
    ['4', 'acknowledge', null],
    ['ack', 'acknowledge', null],
    ['6 abc234', 'resolve', 'ABC234'],
    ['5', 'escalate', null],
  ])('%j is handed to the responder', async (body, action, code) => {
    expect((await sms(body)).text).toContain('<Response/>');
    const expected = { replyId: 'SM1', via: 'sms', action, code, ambiguous: false };
    expect(replies).toEqual([expect.objectContaining(expected)]);
  });

  it('say when nothing was recorded', async () => {
    recorded = 'down';
    expect((await sms('4')).text).toContain('NOT record');
    databaseWorks = false;
    expect((await sms('STOP')).text).toContain('NOT record');
    recorded = 'nobody';
    expect((await sms('4')).text).toContain('Nothing is open');
  });

  it('of a number that two accounts know are marked, so that a bare one cannot count', async () => {
    await sms('4', SHARED);
    expect(replies.map(({ ambiguous }) => ambiguous)).toEqual([true, true]);
  });

  it('of strangers get no answer at all, those that say nothing get help', async () => {
    expect((await sms('4', '+15559999999')).text).toContain('<Response/>');
    expect(replies).toEqual([]);
    for (const body of ['HELP', 'who is this?', ''])
      expect((await sms(body)).text).toContain('reply 4');
  });

  it('STOP and START count with the database or the engine alone', async () => {
    expect((await sms('STOP')).text).toContain('no more messages');
    databaseWorks = false;
    expect((await sms('start')).text).toContain('again');
    expect(optOuts.map(({ optedOut }) => optedOut)).toEqual([true, false]);
    databaseWorks = true;
    recorded = 'down';
    expect((await sms('stop')).text).toContain('no more messages');
  });
});

describe('calls', () => {
  const voice = token({ kind: 'voice', text: 'Disk & <power> full.' });
  const path = `/inbound/twilio/voice/${voice}`;

  it('say the text, escaped, and listen', async () => {
    const { text } = await post(path, { CallSid: 'CA1', AnsweredBy: 'human' });
    expect(text).toContain('Disk &amp; &lt;power&gt; full.');
    expect(text).toContain(`action="${PUBLIC}${path}/digits"`);
  });

  it.each([
    ['4', 'acknowledge'],
    ['6', 'resolve'],
    ['5', 'escalate'],
  ])('take the key %s for %s, and say what came of it', async (Digits, action) => {
    outcome = { result: 'accepted', text: 'You did it.' };
    expect((await post(`${path}/digits`, { CallSid: 'CA1', Digits })).text).toContain(
      'You did it.',
    );
    expect(replies).toEqual([
      expect.objectContaining({ replyId: `CA1/${Digits}`, action, code: 'ABC234' }),
    ]);
    outcome = null;
    expect((await post(`${path}/digits`, { CallSid: 'CA1', Digits })).text).toContain('recorded');
    recorded = 'down';
    expect((await post(`${path}/digits`, { CallSid: 'CA1', Digits })).text).toContain(
      'could not be recorded',
    );
  });

  it.each(['*', '0', '9', '', '44'])('repeat at the key %j', async (Digits) => {
    expect((await post(`${path}/digits`, { CallSid: 'CA1', Digits })).text).toContain('<Gather');
    expect(replies).toEqual([]);
  });

  it('never let a machine answer', async () => {
    for (const AnsweredBy of ['machine_start', 'machine_end_beep', 'fax']) {
      expect((await post(path, { CallSid: 'CA1', AnsweredBy })).text).not.toContain('<Gather');
      await post(`${path}/digits`, { CallSid: 'CA1', AnsweredBy, Digits: '4' });
    }
    expect(replies).toEqual([]);
  });

  it('of old, forged or other tokens change nothing', async () => {
    const wrong = [
      token({ kind: 'voice', expiresAtMs: NOW }),
      token({ kind: 'voice' }, 'x'),
      token(),
      'x',
    ];
    for (const bad of wrong) {
      const answered = await post(`/inbound/twilio/voice/${bad}/digits`, {
        CallSid: 'CA1',
        Digits: '4',
      });
      expect(answered.text).toContain('out of date');
    }
    expect(replies).toEqual([]);
  });
});

describe('delivery reports', () => {
  const deliveryId = 'responder/PACCA000000000/PUSERA00000000/AB-1';
  const path = `/inbound/twilio/status/sms?delivery=${encodeURIComponent(deliveryId)}`;
  const report = async (MessageSid: string, MessageStatus: string, to = path) =>
    expect((await post(to, { MessageSid, MessageStatus })).status).toBe(204);

  it('are taken quietly, however often and in whatever order; what is final is passed on once', async () => {
    for (const status of ['queued', 'delivered', 'sent', 'delivered', 'nonsense', ''])
      await report('SM9', status);
    expect(receipts).toMatchObject([{ deliveryId, providerId: 'SM9', state: 'delivered' }]);
    await report('SM9', 'failed');
    expect(receipts.at(-1)).toMatchObject({ providerId: 'SM9', state: 'failed' });
  });

  it('are passed on by a later one when the responder could not be told', async () => {
    recorded = 'down';
    await report('SM10', 'delivered');
    recorded = 'recorded';
    await report('SM10', 'delivered');
    expect(receipts).toHaveLength(2);
  });

  it('for which nobody waits, or of no known delivery, are counted only', async () => {
    for (const to of ['/inbound/twilio/status/sms', '/inbound/twilio/status/sms?delivery=a/b'])
      await report('SM11', 'delivered', to);
    expect(receipts).toEqual([]);
  });
});

describe('links', () => {
  const scanners = [
    ...['Mozilla/5.0 (Windows NT 10.0) SafeLinks', 'Slackbot-LinkExpanding 1.0', 'WhatsApp/2.23 A'],
    ...[
      'Twitterbot/1.0',
      'facebookexternalhit/1.1',
      'Google-Safety',
      'Barracuda Sentinel',
      'Proofpoint',
    ],
    ...['Mimecast', 'TelegramBot (like TwitterBot)', 'LinkedInBot/1.0', 'Microsoft Office Outlook'],
  ];

  it('show what they would do, and let nothing leak', async () => {
    const response = await fetch(`${origin}/answer/${token()}`);
    const html = await response.text();
    expect(html).toContain('#7 &lt;b&gt;Disk&lt;/b&gt; full');
    expect(html).toContain('<form method="post">');
    const headers = Object.fromEntries(response.headers);
    expect(headers).toMatchObject({
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    });
    expect(headers['content-security-policy']).not.toContain('unsafe-inline');
  });

  it.each(scanners)('are not answered by %s', async (agent) => {
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'GET', 'HEAD'])
      await fetch(`${origin}/answer/${token()}`, { method, headers: { 'User-Agent': agent } });
    expect(replies).toEqual([]);
    expect((await fetch(`${origin}/answer/${token()}`, { method: 'POST' })).status).toBe(202);
    expect(replies).toHaveLength(1);
  });

  it('answer by POST, and tell what came of it, in JSON to programs', async () => {
    outcome = { result: 'accepted', text: 'Acknowledged #7.' };
    const url = `${origin}/answer/${token({ contactMethodId: 'PUSERA00000000-push' })}`;
    const page = await fetch(url, { method: 'POST', headers: { Accept: 'text/html' } });
    expect(await page.text()).toContain('Acknowledged #7.');
    const json = await fetch(url, { method: 'POST', headers: { Accept: 'application/json' } });
    expect(await json.json()).toEqual({ result: 'accepted', text: 'Acknowledged #7.' });
    expect(replies).toMatchObject([{ replyId: 'T1', via: 'push' }, { replyId: 'T1' }]);
    recorded = 'down';
    const failed = await fetch(url, { method: 'POST' });
    expect([failed.status, failed.headers.get('retry-after')]).toEqual([503, '5']);
  });

  it('say that they were used, whether opened or pressed, and answer no second time', async () => {
    answered = 'You have used this link already. Acknowledged: #7 <Disk>.';
    for (const method of ['GET', 'POST']) {
      const response = await fetch(`${origin}/answer/${token()}`, {
        method,
        headers: { Accept: 'text/html' },
      });
      const html = await response.text();
      expect([response.status, html.includes('Answered already')]).toEqual([200, true]);
      expect(html).toContain('Acknowledged: #7 &lt;Disk&gt;.');
      expect(html).not.toContain('<form');
    }
    expect(replies).toEqual([]);
  });

  it('are worthless when old, forged, changed or for something else', async () => {
    const good = token();
    const wrong = [
      ...[token({ expiresAtMs: NOW }), token({}, 'another secret'), token({ kind: 'voice' })],
      ...[`${good.slice(0, -1)}${good.endsWith('A') ? 'B' : 'A'}`, 'x', good.split('.')[0] ?? ''],
    ];
    for (const bad of wrong)
      expect((await fetch(`${origin}/answer/${bad}`, { method: 'POST' })).status).toBe(410);
    expect(replies).toEqual([]);
  });
});

describe('replies by mail', () => {
  const address = (secret = SECRET, expiresAtMs = NOW + 60_000) =>
    signReplyAddress(
      secret,
      { accountId: 'PACCA000000000', userId: 'PUSERA00000000', code: 'ABC234', expiresAtMs },
      'reply.test',
    );
  async function mail(text: string, options: Record<string, unknown> = {}) {
    const transport = createTransport({ host: '127.0.0.1', port: smtp.port });
    const message = {
      from: 'ada@people.test',
      to: address(),
      subject: 'Re: x',
      messageId: '<m1@x>',
      text,
    };
    return transport
      .sendMail({ ...message, ...options })
      .then(() => 250)
      .catch((error: unknown) => (error as { responseCode?: number }).responseCode)
      .finally(() => transport.close());
  }

  it('count by their first line only', async () => {
    expect(await mail('resolve\n\nOn Monday, p wrote:\n> ack')).toBe(250);
    expect(replies).toEqual([
      expect.objectContaining({
        ...{ replyId: '<m1@x>', via: 'email_reply', action: 'resolve', code: 'ABC234' },
        contactMethodId: 'PUSERA00000000-mail',
      }),
    ]);
    expect(await mail('ACK', { to: address().toUpperCase() })).toBe(250);
    expect(replies).toHaveLength(2);
  });

  it('to unknown, forged or old addresses are refused at the door', async () => {
    const wrong = [
      'x@reply.test',
      address('x'),
      address(SECRET, NOW - 60_000),
      address().replace('reply', 'other'),
    ];
    for (const to of wrong) expect(await mail('ack', { to })).toBe(550);
    expect(replies).toEqual([]);
  });

  it('that say nothing are refused, those that could not be recorded come back', async () => {
    expect(await mail('Thanks, looking at it')).toBe(550);
    recorded = 'down';
    expect(await mail('ack')).toBe(451);
    expect(await mail('x'.repeat(600_000))).toBe(552);
  });

  it.each([
    [{ headers: { 'Auto-Submitted': 'auto-replied' } }],
    [{ headers: { Precedence: 'bulk' } }],
    [{ headers: { 'X-Autoreply': 'yes' } }],
    [{ from: 'robot@reply.test' }],
    [{ envelope: { from: '', to: address() } }],
  ])('of robots are taken and dropped: %j', async (options) => {
    expect(await mail('ack', options)).toBe(250);
    expect(replies).toEqual([]);
  });
});
