// One exam for all adapters: whatever a vendor answers becomes a DeliveryError of the right kind within the
// time limit; no error tells a secret, a whole address or the vendor's own words; and a second try of one
// delivery can be recognised as the same.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { loadConfig } from '../../platform/config.ts';
import { createProviders } from '../../providers/index.ts';
import { DeliveryError } from '../../providers/provider.ts';
import type { FailureKind, Outgoing, Provider } from '../../providers/provider.ts';
import { startTestSimulators } from '../support/simulators.ts';
import { vonageProvider } from '../support/vonage.ts';

const SID = 'AC00000000000000000000000000000001';
const TOKEN = 'canary-auth-token';
const NUMBER = '+15551234567';
const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
const ECHO = 'canary-words-of-the-vendor';

interface Recorded {
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
type Reply = (response: ServerResponse) => void;

let reply: Reply = (response) => response.end();
const requests: Recorded[] = [];
const server: Server = createServer((request, response) => {
  let body = '';
  request.on('data', (part: Buffer) => (body += part.toString()));
  request.on('end', () => {
    requests.push({ url: request.url ?? '', headers: request.headers, body });
    reply(response);
  });
});
let origin = '';
let people: Awaited<ReturnType<typeof startTestSimulators>>;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  people = await startTestSimulators({ twilioToken: TOKEN });
});
afterEach(() => {
  requests.length = 0;
});
afterAll(async () => {
  await people.close();
  server.closeAllConnections();
  server.close();
});

const callbacks = { publicUrl: 'https://p.test', deliveryId: 'responder/PA/PU/1-1' };
const messages = {
  sms: { channel: 'sms', to: NUMBER, text: 'Database down', callbacks },
  voice: { channel: 'voice', to: NUMBER, speech: { script: 'token', callbacks } },
  email: {
    ...{ channel: 'email', to: 'ada@people.test', subject: 'Down\r\nBcc: eve@evil.test' },
    ...{ text: 'Down', html: '<p>Down</p>', replyTo: 'r-1@reply.test' },
  },
  push: {
    ...{ channel: 'push', to: 'canary-topic', title: 'T', text: 'Down', urgent: true },
    actions: [{ label: 'Acknowledge', url: 'https://p.test/answer/t' }],
  },
  webhook: { channel: 'webhook', to: '', secret: 'canary-webhook-secret', body: { a: 1 } },
} satisfies Record<string, Outgoing>;
type Name = keyof typeof messages | 'vonage sms' | 'vonage voice';

const channelOf = (name: Name) =>
  name === 'vonage sms' ? 'sms' : name === 'vonage voice' ? 'voice' : name;

function outgoing(name: Name): Outgoing {
  if (name === 'webhook') return { ...messages.webhook, to: `${origin}/canary-path` };
  return messages[channelOf(name)];
}

function provider(name: Name, timeoutMs = 300, baseUrl = origin): Provider {
  const vonage = {
    ...{ kind: 'vonage', apiUrl: baseUrl, restUrl: baseUrl, apiKey: 'canary-key', privateKey },
    ...{ apiSecret: 'canary-secret', signatureSecret: 'canary-signature-secret', from: '+1555' },
    applicationId: 'canary-application',
  };
  const kinds = {
    'vonage sms': { ...vonage, channels: ['sms'] },
    'vonage voice': { ...vonage, channels: ['voice'] },
    sms: {
      kind: 'twilio',
      channels: ['sms'],
      baseUrl,
      accountSid: SID,
      authToken: TOKEN,
      from: '+15550000000',
    },
    voice: {
      kind: 'twilio',
      channels: ['voice'],
      baseUrl,
      accountSid: SID,
      authToken: TOKEN,
      from: '+15550000000',
    },
    email: {
      kind: 'smtp',
      url: baseUrl.replace('http:', 'smtp:'),
      from: 'PD Lite <p@pdlite.test>',
    },
    push: { kind: 'ntfy', baseUrl, token: 'canary-ntfy-token' },
    webhook: { kind: 'webhook' },
  };
  const config = loadConfig({
    PROVIDERS: JSON.stringify([{ id: 'p', timeoutMs, ...kinds[name] }]),
    WEBHOOK_ALLOWED_HOSTS: new URL(origin).host,
  });
  const list = createProviders(config, { logger: pino({ level: 'silent' }) });
  const [made] = list[channelOf(name)];
  if (!made) throw new Error('The provider is missing.');
  return made;
}

async function failure(sending: Promise<unknown>): Promise<DeliveryError> {
  const error: unknown = await sending.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DeliveryError);
  if (!(error instanceof DeliveryError)) throw new Error('unreachable');
  const told = `${error.message} ${error.stack ?? ''} ${String(error.cause)} ${JSON.stringify(error)}`;
  expect(told).not.toMatch(/canary|5551234567|ada@people/);
  return error;
}

const http = ['sms', 'voice', 'vonage sms', 'vonage voice', 'push', 'webhook'] as const;
const statuses: readonly (readonly [number, FailureKind])[] = [
  ...([301, 302, 307] as const).map((status) => [status, 'ProviderUnavailable'] as const),
  ...([400, 402, 405, 406, 409, 413, 415, 422] as const).map(
    (status) => [status, 'ProviderRejected'] as const,
  ),
  [401, 'AuthFailed'],
  [403, 'AuthFailed'],
  [408, 'Timeout'],
  [429, 'RateLimited'],
  ...([500, 501, 502, 503, 504, 507, 599] as const).map(
    (status) => [status, 'ProviderUnavailable'] as const,
  ),
];

describe.each(http)('%s', (name) => {
  it.each(statuses)('takes %i for %s', async (status, kind) => {
    reply = (response) =>
      response
        .writeHead(status, { 'Retry-After': '7', Location: 'http://169.254.169.254/' })
        .end(`{"message":"${ECHO} ${NUMBER}","status":${status}}`);
    const error = await failure(provider(name, 1000).send(outgoing(name), 'k'));
    expect(error.kind).toBe(kind);
    expect(requests).toHaveLength(1);
  });

  it('gives up a server that hangs, within its time limit', async () => {
    reply = () => undefined;
    const started = performance.now();
    const error = await failure(provider(name, 150).send(outgoing(name), 'k'));
    expect(error.kind).toBe('Timeout');
    expect(performance.now() - started).toBeLessThan(800);
  });

  it('reports a connection that is dropped or refused', async () => {
    reply = (response) => response.socket?.destroy();
    expect((await failure(provider(name).send(outgoing(name), 'k'))).kind).toBe(
      'ProviderUnavailable',
    );
    if (name === 'webhook') return;
    const closed = provider(name, 300, 'http://127.0.0.1:1');
    expect((await failure(closed.send(outgoing(name), 'k'))).kind).toBe('ProviderUnavailable');
  });

  it.each(['', '<html>It works!', '{}', 'null', '[', '{"sid":7,"id":7}'])(
    'takes the answer %j for no success, unless success is the status alone',
    async (body) => {
      reply = (response) => response.writeHead(201).end(body);
      const sending = provider(name).send(outgoing(name), 'k');
      if (name === 'webhook') await expect(sending).resolves.toEqual({ providerId: 'k' });
      else expect((await failure(sending)).kind).toBe('ProviderUnavailable');
    },
  );
});

describe.each(['voice', 'vonage voice'] as const)('a call of %s', (name) => {
  it('says words of its own twice, and asks nobody for them', async () => {
    const sender =
      name === 'voice' ? provider(name, 1000, `${people.url}/twilio`) : vonageAt('voice');
    const words = 'Intake & workers <are> down.';
    await sender.send({ channel: 'voice', to: NUMBER, speech: { words } }, name);
    const call = await people.phone(NUMBER).expectCall();
    await call.expectSpoken(/Intake & workers <are> down.*Intake & workers <are> down/s);
    await call.expectOver();
  });
});

describe('Twilio', () => {
  it.each([
    [21211, 'InvalidDestination'],
    [21610, 'InvalidDestination'],
    [21614, 'InvalidDestination'],
    [30006, 'InvalidDestination'],
    [21606, 'ConfigMissing'],
    [21408, 'ProviderRejected'],
    [20429, 'RateLimited'],
    [30003, 'ProviderUnavailable'],
    [30008, 'ProviderUnavailable'],
  ])('tells by error code %i that it is %s', async (code, kind) => {
    reply = (response) =>
      response
        .writeHead(400)
        .end(JSON.stringify({ code, message: NUMBER, more_info: 'x', status: 400 }));
    expect((await failure(provider('sms').send(outgoing('sms'), 'k'))).kind).toBe(kind);
  });

  it('is reached under a path prefix, and sends a delivery that went well once only', async () => {
    const sender = provider('sms', 1000, `${people.url}/twilio`);
    const first = await sender.send(outgoing('sms'), 'same');
    expect(await sender.send(outgoing('sms'), 'same')).toEqual(first);
    expect((await people.phone(NUMBER).expectSms()).item.id).toBe(first.providerId);
    await people.phone(NUMBER).expectNothing(30);
  });
});

describe('Vonage', () => {
  const errors = 'https://developer.vonage.com/api-errors';
  it.each([
    [{ type: `${errors}/messages#1170` }, 'InvalidDestination'],
    [{ type: `${errors}/messages#1120` }, 'ConfigMissing'],
    [{ type: `${errors}/messages#1000` }, 'RateLimited'],
    [{ type: `${errors}/messages#1070` }, 'AuthFailed'],
    [{ type: errors, invalid_parameters: [{ name: 'to', reason: 'x' }] }, 'InvalidDestination'],
    [{ type: errors, invalid_parameters: { 'to[0].number': 'x' } }, 'InvalidDestination'],
    [{ type: errors, invalid_parameters: [{ name: 'from' }] }, 'ConfigMissing'],
    [{ type: errors, invalid_parameters: [{ name: 'text' }] }, 'ProviderRejected'],
  ])('tells by %j that it is %s', async (problem, kind) => {
    reply = (response) => response.writeHead(422).end(JSON.stringify({ ...problem, detail: ECHO }));
    expect((await failure(provider('vonage sms').send(outgoing('sms'), 'k'))).kind).toBe(kind);
  });

  it('tells a number that the simulated one refuses, and a key that it does not know', async () => {
    const real = vonageAt('sms');
    const refused = { ...messages.sms, to: '+1x' };
    expect((await failure(real.send(refused, 'k'))).kind).toBe('InvalidDestination');
    const stranger = provider('vonage sms', 1000, `${people.url}/vonage`);
    expect((await failure(stranger.send(messages.sms, 'k'))).kind).toBe('AuthFailed');
  });

  it('sends a delivery that went well once only, and is told how far it came', async () => {
    const sender = vonageAt('sms');
    const number = '+15551230001';
    const message = { ...messages.sms, to: number, callbacks: null };
    const first = await sender.send(message, 'same');
    expect(await sender.send(message, 'same')).toEqual(first);
    expect((await people.phone(number).expectSms()).item.id).toBe(first.providerId);
    await expect.poll(() => sender.receipt?.('sms', first.providerId)).toBe('delivered');
    expect(await sender.receipt?.('sms', 'unknown')).toBeNull();
    await people.phone(number).expectNothing(30);
  });
});

function vonageAt(channel: 'sms' | 'voice'): Provider {
  const config = loadConfig({ PROVIDERS: JSON.stringify([vonageProvider('v', people.url, 2000)]) });
  const [made] = createProviders(config, { logger: pino({ level: 'silent' }) })[channel];
  if (!made) throw new Error('The provider is missing.');
  return made;
}

describe.each(['sms', 'voice', 'vonage sms', 'vonage voice', 'push'] as const)(
  'the health of %s',
  (name) => {
    it('is good while it answers, and bad when it fails, hangs or is gone', async () => {
      const check = (timeoutMs = 1000, baseUrl = origin) =>
        provider(name, timeoutMs, baseUrl).check?.(channelOf(name)) ?? Promise.resolve();
      const page = { messages: [], calls: [], _embedded: { calls: [] }, next_page_uri: null };
      reply = (response) => response.writeHead(200).end(JSON.stringify(page));
      await check();
      expect(requests[0]?.body).toBe('');
      reply = (response) => response.writeHead(503).end(ECHO);
      expect((await failure(check())).kind).toBe('ProviderUnavailable');
      reply = () => undefined;
      expect((await failure(check(150))).kind).toBe('Timeout');
      expect((await failure(check(300, 'http://127.0.0.1:1'))).kind).toBe('ProviderUnavailable');
    });
  },
);

describe('ntfy', () => {
  it('shows urgency and buttons, and names the delivery', async () => {
    reply = (response) => response.end('{"id":"abc"}');
    for (const key of ['one', 'one', 'two']) await provider('push').send(outgoing('push'), key);
    const sent = requests.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
    expect(sent[0]).toMatchObject({
      ...{ topic: 'canary-topic', priority: 5 },
      actions: [{ action: 'http', method: 'POST', label: 'Acknowledge' }],
    });
    expect(sent[0]?.['sequence_id']).toBe(sent[1]?.['sequence_id']);
    expect(sent[2]?.['sequence_id']).not.toBe(sent[1]?.['sequence_id']);
    const real = provider('push', 1000, `${people.url}/ntfy`);
    await real.send(outgoing('push'), 'k');
    expect((await people.push('canary-topic').expectPush('Down')).item.actions).toHaveLength(1);
  });
});

describe('webhook', () => {
  it('is signed over the raw body, with an id that stays', async () => {
    reply = (response) => response.writeHead(204).end();
    for (const key of ['one', 'one']) await provider('webhook').send(outgoing('webhook'), key);
    expect(requests[0]?.body).toBe('{"a":1}');
    expect(requests.map(({ headers }) => headers['x-webhook-id'])).toEqual(['one', 'one']);
    // openssl: printf '{"a":1}' | openssl dgst -sha256 -hmac canary-webhook-secret
    expect(requests[0]?.headers['x-pagerduty-signature']).toMatch(/^v1=[0-9a-f]{64}$/);
  });

  it('does not wait for, or keep, an endless answer', async () => {
    reply = (response) => {
      response.writeHead(200).write('x'.repeat(1_000_000));
    };
    await expect(provider('webhook').send(outgoing('webhook'), 'k')).resolves.toBeDefined();
  });
});

describe('SMTP', () => {
  it('is well while its server greets', async () => {
    await smtp().check?.('email');
    const closed = provider('email', 500, 'http://127.0.0.1:1');
    expect((await failure(closed.check?.('email') ?? Promise.resolve())).kind).toBe(
      'ProviderUnavailable',
    );
  });

  const address = 'ada@people.test';
  const smtp = (timeoutMs = 2000) =>
    provider('email', timeoutMs, `http://127.0.0.1:${people.smtpPort}`);

  it('sends one header a name, the reply address, and a Message-ID that stays', async () => {
    const first = await smtp().send(outgoing('email'), 'one');
    expect(await smtp().send(outgoing('email'), 'one')).toEqual(first);
    const { item } = await people.mailbox(address).expectMail(/Down Bcc/);
    expect(item).toMatchObject({ replyTo: 'r-1@reply.test', messageId: first.providerId });
    expect(item.headers).toMatchObject({ 'auto-submitted': 'auto-generated' });
    expect(item.headers['bcc']).toBeUndefined();
    expect((await people.mailbox(address).expectMail()).item.messageId).toBe(first.providerId);
  });

  it.each([
    [550, 'InvalidDestination'],
    [553, 'InvalidDestination'],
    [552, 'ProviderRejected'],
    [554, 'ProviderRejected'],
    [421, 'ProviderUnavailable'],
    [450, 'RateLimited'],
    [451, 'ProviderUnavailable'],
    [530, 'AuthFailed'],
  ])('takes a recipient’s %i for %s', async (code, kind) => {
    await people.setMood({ door: 'mail', kind: 'status', code, times: 1 });
    expect((await failure(smtp().send(outgoing('email'), 'k'))).kind).toBe(kind);
  });

  it('gives up what hangs, and reports what drops', async () => {
    await people.setMood({ door: 'mail', kind: 'hang', times: 1 });
    expect((await failure(smtp(200).send(outgoing('email'), 'k'))).kind).toBe('Timeout');
    await people.setMood({ door: 'mail', kind: 'refuse', times: 1 });
    expect((await failure(smtp().send(outgoing('email'), 'k'))).kind).toBe('ProviderUnavailable');
    const closed = provider('email', 500, 'http://127.0.0.1:1');
    expect((await failure(closed.send(outgoing('email'), 'k'))).kind).toBe('ProviderUnavailable');
    reply = (response) => response.end();
    const wrong = provider('email', 300, origin);
    expect(['Timeout', 'ProviderUnavailable']).toContain(
      (await failure(wrong.send(outgoing('email'), 'k'))).kind,
    );
  });
});
