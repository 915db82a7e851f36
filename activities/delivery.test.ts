// Property: a delivery goes only where it may, to a provider that takes it, in time, without pages
// that were answered, and its texts can be answered and cannot be abused.
import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { indexAccount } from '../domain/directory.ts';
import type { Account, Channel, ContactMethod, User } from '../domain/model.ts';
import type { Delivery, DeliveryOutcome, PageSummary } from '../domain/responder/types.ts';
import { verifyReplyAddress, verifyToken } from '../platform/tokens.ts';
import { DeliveryError } from '../providers/provider.ts';
import type { Outgoing, Provider } from '../providers/provider.ts';
import { ProviderHealth } from './provider-health.ts';
import { createDeliveryActivities } from './delivery.ts';
import type { DeliveryDeps } from './delivery.ts';

const SECRET = 'a-secret-of-more-than-thirty-two-characters';
const NOW = Date.parse('2026-11-23T10:00:00.000Z');
const noop = () => undefined;
const iso = (ms: number) => new Date(ms).toISOString();

function method(channel: Channel, change: Partial<ContactMethod> = {}): ContactMethod {
  return {
    id: 'PC1',
    userId: 'PU1',
    channel,
    label: 'x',
    address: '+15550100',
    verifiedAt: iso(0),
    optedOutAt: null,
    secret: 'hook-secret',
    ...change,
  };
}

function summary(number: number, change: Partial<PageSummary> = {}): PageSummary {
  return {
    pageId: `PI${number}/1`,
    incidentId: `PI${number}`,
    incidentNumber: number,
    title: `Disk ${number} is full`,
    serviceName: 'Storage',
    urgency: 'high',
    triggeredAt: iso(NOW - 2000),
    first: true,
    ...change,
  };
}

function delivery(channel: Channel, pages: readonly PageSummary[], change = {}): Delivery {
  const code = 'K7QM2P';
  const openCount = pages.length;
  const message = { kind: 'page', pages, openCount, code, codeDemanded: openCount > 1 } as const;
  return {
    deliveryId: 'responder/PA/PU1/AB-1',
    accountId: 'PA',
    userId: 'PU1',
    contactMethodId: 'PC1',
    channel,
    message: { ...message, ...change },
    notAfter: iso(NOW + 60_000),
    traceparent: null,
  };
}

interface Setting {
  readonly method?: ContactMethod | null;
  readonly providers?: readonly ((message: Outgoing) => Promise<{ providerId: string }>)[];
  readonly openPages?: DeliveryDeps['openPages'];
  readonly attempt?: number;
  readonly now?: () => number;
  /** By how many milliseconds the worker's clock is wrong. */
  readonly clockOffMs?: number;
  /** User ids behind the methods that share the address; the user's own methods count too. */
  readonly addressOf?: readonly string[];
}

/** Runs one delivery; tells its outcome, what went out, and which metrics were recorded. */
async function run(content: Delivery, setting: Setting = {}) {
  const sent: Outgoing[] = [];
  const labels: string[] = [];
  const latencies: number[] = [];
  const contactMethod = setting.method === undefined ? method(content.channel) : setting.method;
  const sends = setting.providers ?? [() => Promise.resolve({ providerId: 'X1' })];
  const providers = sends.map((send, index): Provider => ({
    id: `p${index + 1}`,
    channels: [content.channel],
    send: (message) => {
      sent.push(message);
      return send(message);
    },
    check: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }));
  const one = providers;
  const list = { email: one, sms: one, voice: one, push: one, webhook: one };
  const logger = pino({ level: 'silent' });
  const metrics = { breaker: noop, probe: noop, channelDown: noop };
  const steady = setting.now ?? (() => NOW);
  const now = () => steady() + (setting.clockOffMs ?? 0);
  const health = new ProviderHealth({
    ...{ providers: list, metrics, logger, now: steady, sharePercent: 0 },
  });
  const user = { id: 'PU1', contactMethods: contactMethod ? [contactMethod] : [] };
  const config = { account: { id: 'PA' } as Account, users: [user as unknown as User] };
  const rest = { teams: [], schedules: [], policies: [], services: [], integrations: [] };
  const index = indexAccount({ ...config, ...rest, apiKeys: [], version: 1 });
  const activities = createDeliveryActivities({
    directory: {
      account: (id) => (id === 'PA' ? index : undefined),
      accounts: () => [index],
      integrationByKeyHash: () => undefined,
      apiKeyByHash: () => undefined,
      contactMethodsByAddress: () =>
        (setting.addressOf ?? []).map((userId) => ({ index, userId, contactMethodId: 'PC1' })),
      ageMs: () => 0,
    },
    providers: list,
    health,
    config: { PUBLIC_URL: 'https://pd.example/', LINK_SECRET: SECRET, REPLY_DOMAIN: 'r.example' },
    logger,
    metrics: {
      delivered: (item) => labels.push(`${item.channel} ${item.provider} ${item.outcome}`),
      pagingLatency: (seconds) => latencies.push(seconds),
      providerFailed: (item) => labels.push(`${item.provider} ${item.failure}`),
    },
    withSpan: (_name, _options, body) => body(),
    ...{ now, steady },
    openPages: setting.openPages ?? ((_a, _u, ids) => Promise.resolve(ids)),
  });
  const environment = new MockActivityEnvironment({
    attempt: setting.attempt ?? 1,
    currentAttemptScheduledTimestampMs: NOW,
  });
  const deliver = (item: Delivery) => activities.deliver(item);
  const outcome = await environment.run<[Delivery], DeliveryOutcome, typeof deliver>(
    deliver,
    content,
  );
  return { outcome, sent, labels, latencies };
}

const fail = (kind: DeliveryError['kind'], retryAfterMs?: number) => () =>
  Promise.reject(new DeliveryError(kind, 'no', retryAfterMs === undefined ? {} : { retryAfterMs }));
const work = () => Promise.resolve({ providerId: 'X2' });

describe('where it may go', () => {
  test.each([
    ['gone', null],
    ['not verified', method('sms', { verifiedAt: null })],
    ['opted out', method('sms', { optedOutAt: iso(NOW) })],
  ])('a contact method that is %s is rejected without a provider', async (_, contactMethod) => {
    const { outcome, sent } = await run(delivery('sms', [summary(1)]), { method: contactMethod });
    expect(outcome).toMatchObject({ result: 'rejected', provider: null });
    expect(sent).toEqual([]);
  });

  test('past its time it is stale', async () => {
    const late = { ...delivery('sms', [summary(1)]), notAfter: iso(NOW) };
    expect((await run(late)).outcome.result).toBe('stale');
  });

  test('a second try leaves out what was answered, and sends nothing when all was', async () => {
    const content = delivery('sms', [summary(1), summary(2)]);
    const some = await run(content, { attempt: 2, openPages: () => Promise.resolve(['PI2/1']) });
    expect(some.sent[0]).toMatchObject({ text: expect.stringContaining('#2') as string });
    expect(some.sent[0]).not.toMatchObject({ text: expect.stringContaining('#1 ') as string });
    const none = await run(content, { attempt: 2, openPages: () => Promise.resolve([]) });
    expect([none.outcome.result, none.sent.length]).toEqual(['stale', 0]);
    const unknown = await run(content, {
      attempt: 2,
      openPages: () => Promise.reject(new Error()),
    });
    expect(unknown.outcome.result).toBe('accepted');
  });
});

describe('a worker whose clock is wrong', () => {
  const HOURS = 6 * 3_600_000;

  test.each([HOURS, -HOURS])('by %i ms sends what is due all the same', async (clockOffMs) => {
    const { outcome, sent, latencies } = await run(delivery('push', [summary(1)]), { clockOffMs });
    expect(outcome).toMatchObject({ result: 'accepted', at: iso(NOW) });
    expect(latencies).toEqual([2]);
    const link =
      sent[0]?.channel === 'push' ? (sent[0].actions[0]?.url.split('/').at(-1) ?? '') : '';
    expect(verifyToken(SECRET, link, NOW)).not.toBeNull();
    expect(verifyToken(SECRET, link, NOW + 25 * 3_600_000)).toBeNull();
  });

  test('sends nothing past its time', async () => {
    let nowMs = NOW;
    const slow = () => {
      nowMs += 5000;
      return fail('Timeout')();
    };
    const content = { ...delivery('sms', [summary(1)]), notAfter: iso(NOW + 4000) };
    const setting = { now: () => nowMs, providers: [slow, work], clockOffMs: -HOURS };
    const { outcome, sent } = await run(content, setting);
    expect([outcome.result, sent.length]).toEqual(['stale', 1]);
  });

  test('cannot tell how long it has waited, and asks for answers first', async () => {
    for (const clockOffMs of [HOURS, -HOURS]) {
      const openPages = () => Promise.resolve([]);
      const { outcome } = await run(delivery('sms', [summary(1)]), { clockOffMs, openPages });
      expect(outcome.result).toBe('stale');
    }
  });
});

describe('providers', () => {
  test.each(['ProviderUnavailable', 'Timeout', 'AuthFailed', 'ProviderRejected'] as const)(
    '%s: the next one',
    async (kind) => {
      const { outcome, labels, latencies } = await run(delivery('sms', [summary(1)]), {
        providers: [fail(kind), work],
      });
      expect(outcome).toMatchObject({ result: 'accepted', provider: 'p2', providerId: 'X2' });
      expect(labels).toEqual([`p1 ${kind}`, 'sms p2 accepted']);
      expect(outcome).toMatchObject({ after: [{ provider: 'p1', failure: kind }] });
      expect(latencies).toEqual([2]);
    },
  );

  test('a bad number is not tried at the next one', async () => {
    const { outcome, sent } = await run(delivery('sms', [summary(1)]), {
      providers: [fail('InvalidDestination'), work],
    });
    expect(outcome).toMatchObject({ result: 'rejected', failure: 'InvalidDestination' });
    expect(sent).toHaveLength(1);
  });

  test('a short pause is waited for, a long one is not', async () => {
    let calls = 0;
    const patient = () => (++calls === 1 ? fail('RateLimited', 20)() : work());
    const short = await run(delivery('sms', [summary(1)]), { providers: [patient] });
    expect(short.outcome).toMatchObject({ result: 'accepted', provider: 'p1' });
    const long = await run(delivery('sms', [summary(1)]), {
      providers: [fail('RateLimited', 60_000), work],
    });
    expect(long.outcome).toMatchObject({ provider: 'p2' });
  });

  test('three tries at most: a pause is waited for once a page, in its first delivery', async () => {
    for (const [content, attempt] of [
      [delivery('sms', [summary(1, { first: false })]), 1],
      [delivery('sms', [summary(1)]), 2],
    ] as const) {
      const { sent } = await run(content, { attempt, providers: [fail('RateLimited', 20)] });
      expect(sent).toHaveLength(1);
    }
  });

  test('what was answered while one provider failed is not sent by the next', async () => {
    let nowMs = NOW;
    const slow = () => {
      nowMs += 5000;
      return fail('Timeout')();
    };
    const clock = { now: () => nowMs, providers: [slow, work] };
    const content = delivery('sms', [summary(1), summary(2)]);
    const all = await run(content, { ...clock, openPages: () => Promise.resolve([]) });
    expect([all.outcome.result, all.sent.length]).toEqual(['stale', 1]);
    nowMs = NOW;
    const some = await run(content, { ...clock, openPages: () => Promise.resolve(['PI2/1']) });
    expect(some.sent[1]).toMatchObject({ text: expect.stringContaining('#2 Disk') as string });
    expect(some.sent[1]).not.toMatchObject({ text: expect.stringContaining('#1') as string });
    nowMs = NOW;
    const over = { ...content, notAfter: iso(NOW + 4000) };
    expect((await run(over, clock)).outcome.result).toBe('stale');
  });

  test('one to avoid is not asked; with no other it has failed, for the next method to come', async () => {
    const content = { ...delivery('sms', [summary(1)]), avoidProviders: ['p1'] };
    expect((await run(content, { providers: [work, work] })).outcome).toMatchObject({
      provider: 'p2',
    });
    const { outcome, sent } = await run(content, { providers: [work] });
    expect([outcome.result, sent.length]).toEqual(['failed', 0]);
  });

  test('all fail, or there is none', async () => {
    const both = await run(delivery('sms', [summary(1)]), { providers: [fail('Timeout')] });
    expect(both.outcome).toMatchObject({ result: 'failed', failure: 'Timeout', provider: 'p1' });
    const none = await run(delivery('sms', [summary(1)]), { providers: [] });
    expect(none.outcome).toMatchObject({ result: 'failed', failure: 'ConfigMissing' });
  });

  test('an untyped error is a failure that keeps its text to itself', async () => {
    const { outcome } = await run(delivery('sms', [summary(1)]), {
      providers: [() => Promise.reject(new Error('to +15550100'))],
    });
    expect(outcome.result).toBe('failed');
    expect(JSON.stringify(outcome)).not.toContain('+15550100');
  });
});

describe('texts', () => {
  test('one page by SMS can be answered bare, several need the code', async () => {
    const one = await run(delivery('sms', [summary(1)]));
    expect(one.sent[0]).toMatchObject({
      text: 'PD Lite: #1 Disk 1 is full (Storage). Reply 4: Ack, 6: Resolve',
      callbacks: { publicUrl: 'https://pd.example', deliveryId: 'responder/PA/PU1/AB-1' },
    });
    const many = await run(
      delivery(
        'sms',
        [1, 2, 3].map((n) => summary(n)),
      ),
    );
    expect(many.sent[0]).toMatchObject({
      text: 'PD Lite: 3 open. #1 Disk 1 is full (Storage); #2 Disk 2 is full (Storage); #3 Disk 3 is full (Storage). Reply 4 K7QM2P: Ack, 6 K7QM2P: Resolve',
    });
  });

  test('an SMS is never longer than 320 characters and always says how to answer', async () => {
    const pages = Array.from({ length: 200 }, (_, n) =>
      summary(n, { title: '“Ünïcode” …\r\n'.repeat(60), serviceName: 'S'.repeat(99) }),
    );
    for (const part of [pages.slice(0, 1), pages.slice(0, 3), pages]) {
      const [message] = (await run(delivery('sms', part))).sent;
      const text = message?.channel === 'sms' ? message.text : '';
      expect(text.length).toBeLessThanOrEqual(320);
      expect(text).toMatch(/Reply 4.*: Ack, 6.*: Resolve$/);
      expect(text).not.toMatch(/[\r\n]/);
    }
  });

  test.each([
    ['one person, for texts and for calls', ['PU1', 'PU1'], 'Reply 4: Ack, 6: Resolve'],
    ['two people', ['PU1', 'PU2'], 'Reply 4 K7QM2P: Ack, 6 K7QM2P: Resolve'],
  ])(
    'a bare reply is asked for unless several people have the number: %s',
    async (_, addressOf, hint) => {
      const { sent } = await run(delivery('sms', [summary(1)]), { addressOf });
      expect(sent[0]).toMatchObject({ text: expect.stringContaining(hint) as string });
    },
  );

  test('mail: signed links and reply address, no header or HTML of the sender’s', async () => {
    const page = summary(1, { title: '<img src=x onerror=alert(1)>\r\nBcc: a@b.example' });
    const contact = method('email', { address: 'ana@x.example' });
    const [mail] = (await run(delivery('email', [page]), { method: contact })).sent;
    if (mail?.channel !== 'email') throw new Error('no mail');
    expect(mail.subject).not.toMatch(/[\r\n]/);
    expect(mail.html).not.toContain('<img');
    const link = /https:\/\/pd\.example\/answer\/(\S+)/.exec(mail.text)?.[1] ?? '';
    expect(verifyToken(SECRET, link, NOW)).toMatchObject({
      kind: 'link',
      action: 'acknowledge',
      code: 'K7QM2P',
      incidentIds: ['PI1'],
    });
    expect(verifyReplyAddress(SECRET, mail.replyTo ?? '', NOW)).toMatchObject({
      accountId: 'PA',
      userId: 'PU1',
      code: 'K7QM2P',
    });
  });

  test('voice: what is said travels in a signed address of bounded length', async () => {
    const pages = Array.from({ length: 500 }, (_, n) => summary(n, { title: 'long '.repeat(40) }));
    const [call] = (await run(delivery('voice', pages))).sent;
    if (call?.channel !== 'voice' || !('script' in call.speech)) throw new Error('no call');
    const proven = verifyToken(SECRET, call.speech.script, NOW);
    expect(proven).toMatchObject({ kind: 'voice', code: 'K7QM2P' });
    expect(proven?.text?.length).toBeLessThanOrEqual(500);
  });

  test('push has two answers, the webhook PagerDuty’s form', async () => {
    const [push] = (await run(delivery('push', [summary(1)]))).sent;
    expect(push).toMatchObject({
      title: '#1 Disk 1 is full (Storage)',
      urgent: true,
      actions: [{ label: 'Acknowledge' }, { label: 'Resolve' }],
    });
    const [hook] = (await run(delivery('webhook', [summary(1)]))).sent;
    expect(hook).toMatchObject({
      secret: 'hook-secret',
      body: { event: { event_type: 'incident.triggered', data: { id: 'PI1', code: 'K7QM2P' } } },
    });
  });
});
