// A provider that is down costs the first messages only: then it is left alone, asked for its health, and used
// again when it works; a bad address or one receiver's dead host never counts against it; when nothing of a
// channel works, somebody is told at once.
import { pino } from 'pino';
import { beforeEach, expect, test } from 'vitest';

import type { Channel } from '../domain/model.ts';
import { DeliveryError } from '../providers/provider.ts';
import type { FailureKind, Provider } from '../providers/provider.ts';
import { ProviderHealth } from './provider-health.ts';

let nowMs = 0;
let ill: ReadonlySet<string> = new Set();
let seen: string[] = [];
let errors = '';
beforeEach(() => {
  nowMs = 0;
  ill = new Set();
  seen = [];
  errors = '';
});

function provider(id: string, channels: readonly Channel[] = ['sms']): Provider {
  return {
    ...{ id, channels },
    send: () => Promise.reject(new Error('unused')),
    check: () =>
      ill.has(id) ? Promise.reject(new DeliveryError('Timeout', 'no')) : Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
const a = provider('a');
const b = provider('b');
const hook: Provider = {
  ...{ id: 'hook', channels: ['webhook'] },
  send: () => Promise.reject(new Error('unused')),
  close: () => Promise.resolve(),
};

function start(sharePercent = 0): ProviderHealth {
  const write = (line: string) => (errors += line);
  return new ProviderHealth({
    providers: { email: [], sms: [a, b], voice: [], push: [], webhook: [hook] },
    metrics: {
      breaker: (id, _channel, phase) => seen.push(`${id} ${phase}`),
      probe: (id, _channel, healthy) => seen.push(`${id} ${healthy ? 'well' : 'ill'}`),
      channelDown: (channel, down) => seen.push(`${channel} ${down ? 'down' : 'up'}`),
    },
    logger: pino({ level: 'error' }, { write }),
    now: () => nowMs,
    sharePercent,
  });
}
const ids = (health: ProviderHealth, deliveryId = 'd', avoidProviders: readonly string[] = []) =>
  health.order({ channel: 'sms', deliveryId, avoidProviders }).map(({ id }) => id);
function fails(health: ProviderHealth, which: Provider, kind: FailureKind, retryAfterMs?: number) {
  health.began(which, 'sms');
  const options = retryAfterMs === undefined ? {} : { retryAfterMs };
  health.failed(which, 'sms', new DeliveryError(kind, 'no', options));
}
function works(health: ProviderHealth, which: Provider) {
  health.began(which, 'sms');
  health.succeeded(which, 'sms');
}

test('one failed page and its health open the breaker within 15 s; three successes close it', async () => {
  const health = start();
  ill = new Set(['a']);
  nowMs = 5000;
  fails(health, a, 'Timeout');
  expect(ids(health)).toEqual(['a', 'b']);
  for (; nowMs < 15_000; nowMs += 500) await health.probe();
  expect(ids(health)).toEqual(['b', 'a']);
  expect(seen.filter((item) => item.startsWith('a '))).toEqual([
    ...['a closed', 'a ill', 'a ill', 'a open'],
  ]);
  for (; nowMs < 60_000; nowMs += 500) await health.probe();
  const probes = seen.filter((item) => item === 'a ill').length - 2;
  expect(probes).toBeGreaterThanOrEqual(3);
  expect(probes).toBeLessThanOrEqual(4);
  ill = new Set();
  for (; nowMs < 76_000; nowMs += 500) await health.probe();
  for (const state of ['half_open', 'half_open', 'closed']) {
    expect(ids(health)).toEqual(['a', 'b']);
    works(health, a);
    expect(seen.at(-1)).toBe(`a ${state}`);
  }
});

test('of two messages at once one alone tries a provider that comes back', async () => {
  const health = start();
  for (let n = 0; n < 3; n += 1) fails(health, a, 'ProviderUnavailable');
  nowMs = 15_000;
  await health.probe();
  expect(ids(health)).toEqual(['a', 'b']);
  health.began(a, 'sms');
  expect(ids(health)).toEqual(['b', 'a']);
});

test('bad addresses, and messages that a vendor will not take, never count against it', () => {
  const health = start();
  for (let n = 0; n < 20; n += 1)
    fails(health, a, n % 2 ? 'InvalidDestination' : 'ProviderRejected');
  expect(ids(health)).toEqual(['a', 'b']);
});

test('one that asks for a pause gets it', () => {
  const health = start();
  fails(health, a, 'RateLimited', 7000);
  expect(ids(health)).toEqual(['b']);
  nowMs = 7000;
  expect(ids(health)).toEqual(['a', 'b']);
});

test('all down: told once, loudly; one message at a time still tries', () => {
  const health = start();
  for (const which of [a, b]) for (let n = 0; n < 3; n += 1) fails(health, which, 'Timeout');
  expect(seen.filter((item) => item === 'sms down')).toHaveLength(1);
  expect(errors.match(/no provider of this channel works/g)).toHaveLength(1);
  expect(ids(health)).toEqual(['a', 'b']);
  health.began(a, 'sms');
  health.began(b, 'sms');
  expect(ids(health)).toEqual([]);
  works(health, b);
  expect(seen.at(-1)).toBe('sms up');
});

test('webhooks have no breaker: one customer’s dead host says nothing about another’s', () => {
  const health = start();
  for (let n = 0; n < 20; n += 1) {
    health.began(hook, 'webhook');
    health.failed(hook, 'webhook', new DeliveryError('Timeout', 'no'));
  }
  expect(health.order({ channel: 'webhook', deliveryId: 'd' })).toEqual([hook]);
  expect(seen.filter((item) => item.startsWith('hook'))).toEqual([]);
});

test('a share of the deliveries goes to the second provider first, each the same way every time', () => {
  const health = start(10);
  const keys = Array.from({ length: 2000 }, (_, n) => `responder/A/U/x-${n}`);
  const firsts = keys.map((key) => ids(health, key)[0]);
  expect(keys.map((key) => ids(health, key)[0])).toEqual(firsts);
  const second = firsts.filter((id) => id === 'b').length;
  expect(second).toBeGreaterThan(140);
  expect(second).toBeLessThan(260);
});

test('a provider to avoid is not asked at all', () => {
  expect(ids(start(), 'd', ['a'])).toEqual(['b']);
  expect(ids(start(), 'd', ['a', 'b'])).toEqual([]);
});
