// From outside one trace shows the way of a page, and nothing that is observed holds a secret or anybody's address.
import { afterAll, beforeAll, expect, test } from 'vitest';

import { spansOf, startCollector } from '../support/collector.ts';
import { LINK_SECRET, startProduct, type Product } from '../support/product.ts';

let product: Product;
let collector: Awaited<ReturnType<typeof startCollector>>;
beforeAll(async () => {
  collector = await startCollector();
  product = await startProduct({
    people: {
      ada: { methods: ['sms', 'push'] },
      bea: {
        methods: ['sms', 'email', 'push', 'webhook'],
        webhook: `${collector.url}/canary-hook`,
      },
      cyd: { methods: ['email', 'voice'] },
    },
    environment: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, LOG_LEVEL: 'debug' },
  });
});
afterAll(async () => {
  await product.close();
  collector.close();
});

const traces = () => collector.received.filter(({ path }) => path === '/v1/traces');

test('one trace id runs from the request to the vendor’s call and the answer', async () => {
  const traceId = 'abcdef0123456789abcdef0123456789';
  const headers = { traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
  await product.alert('ada', 'traced', { headers });
  await (await product.phone('ada').expectSms(/Alert traced/)).reply('4');
  await product.incident('traced', 'acknowledged');
  const names = () =>
    spansOf(traces())
      .filter((span) => span.traceId === traceId)
      .map(({ name }) => name);
  await expect
    .poll(names, { timeout: 10_000, interval: 100 })
    .toEqual(expect.arrayContaining(['POST /v2/enqueue', 'page', 'deliver', 'signalAnswer']));
});

test('no log, metric or trace holds a key, a secret, a number, an address or a link', async () => {
  const { simulators } = product;
  const { phone, email, topic, keys, webhookSecret } = product.person('bea');
  await simulators.setMood({ door: 'sms', kind: 'status', status: 400, code: 21211, to: phone });
  await simulators.setMood({ door: 'mail', kind: 'status', status: 550, to: email, times: 1 });
  await simulators.setMood({ door: 'push', kind: 'status', status: 500, to: topic });
  await product.alert('bea', 'quiet', { payload: { custom_details: { pw: 'canary-detail' } } });
  await expect
    .poll(() => collector.received.some(({ path }) => path === '/canary-hook'), { timeout: 10_000 })
    .toBe(true);
  await product.alert('cyd', 'quiet-mail');
  const mail = await product.mailbox('cyd').expectMail(/quiet-mail/);
  await mail.answer('Acknowledge');
  await mail.reply('6');
  await product.incident('quiet-mail', 'resolved');
  await product.post('/v2/enqueue', `{"routing_key":"${keys.events}",`);
  await product.post('/v2/enqueue', { routing_key: 'canary-wrong-routing-key-0123456' });
  await product.post(`/integration/${keys.generic}/alertmanager`, { nonsense: true });
  await product.post('/inbound/twilio/sms', `From=%2B${phone.slice(1)}&Body=4`, {
    'content-type': 'application/x-www-form-urlencoded',
    'x-twilio-signature': 'canary-signature',
  });
  await fetch(`${product.apiUrl}/users`, { headers: { authorization: 'Token token=canary-key' } });
  await product.rest('PUT', `/users/${product.person('bea').userId}`, {
    user: { email: 'canary@x.' },
  });
  await product.worker.stop();
  await product.api.stop();
  const link = new URL(mail.link('Acknowledge')).pathname.split('/').at(-1) ?? '';
  const canaries = [
    ...[...['ada', 'bea', 'cyd'].map((name) => product.person(name))].flatMap((person) => [
      ...[person.phone.slice(1), person.email, person.topic, ...Object.values(person.keys)],
      person.webhookSecret,
    ]),
    ...[webhookSecret, 'canary', LINK_SECRET, link, mail.item.replyTo ?? '', ':test@'],
    product.apiKey('smoke'),
  ].filter((text) => text !== '');
  const seen =
    product.logs() +
    traces()
      .map(({ body }) => body)
      .join('\n');
  expect(product.logs()).toContain('provider failed');
  expect(traces().length).toBeGreaterThan(0);
  const lines = seen.split('\n');
  for (const canary of canaries)
    expect(lines.filter((line) => line.includes(canary)).slice(0, 2)).toEqual([]);
});

test('metrics name neither people nor keys', async () => {
  await product.api.start();
  await product.worker.start();
  await product.alert('ada', 'metric');
  await product.push('ada').expectPush(/metric/);
  const metrics = await product.metrics();
  expect(metrics.includes('pdlite_delivery_total')).toBe(true);
  for (const { phone, email, topic, keys } of ['ada', 'bea', 'cyd'].map((name) =>
    product.person(name),
  ))
    for (const secret of [phone.slice(1), email, topic, ...Object.values(keys)])
      expect(metrics.includes(secret)).toBe(false);
});
