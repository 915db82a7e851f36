// What people set up over REST works at once everywhere: verified addresses, webhooks, integrations, changed rules.
import { createHmac } from 'node:crypto';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { startCollector } from '../support/collector.ts';
import { at, startProduct, type Product } from '../support/product.ts';

let product: Product;
let receiver: Awaited<ReturnType<typeof startCollector>>;
beforeAll(async () => {
  receiver = await startCollector();
  product = await startProduct({
    people: {
      ada: { methods: ['push'] },
      bea: { methods: ['webhook'], webhook: `${receiver.url}/hook` },
      cyd: { methods: ['push'] },
      dov: { methods: ['push'] },
    },
  });
});
afterAll(async () => {
  await product.close();
  receiver.close();
});

test('a new number is verified by the code that arrives there, and is paged from then on', async () => {
  const { userId, phone } = product.person('ada');
  const method = { type: 'sms_contact_method', label: 'New', address: phone };
  const made = await product.rest('POST', `/users/${userId}/contact_methods`, {
    contact_method: method,
  });
  expect(made.status).toBe(201);
  const id = String(at(made.body, 'contact_method', 'id'));
  const rule = {
    ...{ type: 'assignment_notification_rule', start_delay_in_minutes: 0, urgency: 'high' },
    contact_method: { id, type: 'sms_contact_method' },
  };
  const ruled = await product.rest('POST', `/users/${userId}/notification_rules`, {
    notification_rule: rule,
  });
  expect(ruled.status).toBe(201);
  const path = `/users/${userId}/contact_methods/${id}/verification`;
  expect((await product.rest('POST', path)).status).toBe(202);
  const sms = await product.phone('ada').expectSms(/verification code/);
  const code = /\d{6}/.exec(sms.text)?.[0] ?? '';
  const wrong = code === '000000' ? '000001' : '000000';
  expect((await product.rest('PUT', path, { code: wrong })).status).toBe(400);
  expect((await product.rest('PUT', path, { code })).status).toBe(200);
  await inEffect(async (key) => {
    await product.alert('ada', key);
    return product.phone('ada').expectSms(key, 500);
  });
});

test('a webhook gets the page, signed over its raw body', async () => {
  await product.alert('bea', 'hook');
  await expect.poll(() => receiver.received.length, { timeout: 10_000 }).toBeGreaterThan(0);
  const [got] = receiver.received;
  const hmac = createHmac('sha256', product.person('bea').webhookSecret);
  expect(got?.headers['x-pagerduty-signature']).toBe(
    `v1=${hmac.update(got?.body ?? '').digest('hex')}`,
  );
  const body: unknown = JSON.parse(got?.body ?? '{}');
  expect(at(body, 'event', 'event_type')).toBe('incident.triggered');
  expect(at(body, 'event', 'data', 'title')).toBe('Alert hook');
});

test('an Alertmanager’s post fires and resolves', async () => {
  const path = `/integration/${product.person('cyd').keys.alertmanager}/alertmanager`;
  const post = (status: string) =>
    product.post(path, {
      ...{ version: '4', groupKey: '{}:{}', status, receiver: 'pdlite', externalURL: 'http://am' },
      alerts: [
        {
          ...{ status, fingerprint: 'fp-1', startsAt: '2026-11-23T10:00:00Z' },
          labels: { alertname: 'HighLatency', severity: 'critical' },
          annotations: { summary: 'p99 above 2 s' },
        },
      ],
    });
  expect((await post('firing')).status).toBe(202);
  await product.push('cyd').expectPush(/p99 above 2 s/);
  await product.incident('fp-1', 'triggered');
  expect((await post('resolved')).status).toBe(202);
  await product.incident('fp-1', 'resolved');
});

test('a new name and a new policy are in effect within two seconds, in the api and in the worker', async () => {
  const { serviceId } = product.person('dov');
  const policy = { id: product.person('cyd').policyId, type: 'escalation_policy_reference' };
  const service = { name: 'Renamed service', escalation_policy: policy };
  const changed = await product.rest('PUT', `/services/${serviceId}`, { service });
  expect(changed.status).toBe(200);
  await inEffect(async (key) => {
    await product.alert('dov', key);
    return product.push('cyd').expectPush(key, 500);
  });
});

/** Tries with new alerts until one shows the change; the change must show for alerts sent 2 s after it. */
async function inEffect(attempt: (key: string) => Promise<unknown>): Promise<void> {
  const startedAt = Date.now();
  for (let number = 0; ; number += 1) {
    const sentAt = Date.now();
    const shown = await attempt(`effect-${startedAt}-${number}.`).catch(() => undefined);
    if (shown !== undefined) return;
    expect(sentAt - startedAt, 'the change took more than 2 s').toBeLessThan(2000);
  }
}
