// A heartbeat that stays away pages whoever is on call, and the next beat ends the incident; the integration is made
// over REST like any other.
import { afterAll, beforeAll, expect, test } from 'vitest';

import { at, startProduct, type Product } from '../support/product.ts';

let product: Product;
beforeAll(async () => {
  product = await startProduct({ people: { ada: { methods: ['push'] } } });
});
afterAll(() => product.close());

test('beats, silence, page, beat, resolved', async () => {
  const { serviceId } = product.person('ada');
  const path = `/services/${serviceId}/integrations`;
  const made = await product.rest('POST', path, {
    integration: {
      ...{ type: 'heartbeat_inbound_integration', name: 'Nightly backup' },
      heartbeat_timeout_seconds: 30,
    },
  });
  expect(made.status).toBe(201);
  const key = String(at(made.body, 'integration', 'integration_key'));
  const beat = () => fetch(`${product.apiUrl}/integration/${key}/heartbeat`);
  await expect.poll(async () => (await beat()).status, { timeout: 5000 }).toBe(202);
  const beganAt = Date.now();
  await product.push('ada').expectPush(/Nightly backup: Heartbeat missed/, 45_000);
  const waitedMs = Date.now() - beganAt;
  expect(waitedMs).toBeGreaterThan(29_000);
  expect(waitedMs).toBeLessThan(36_000);
  await product.incident('heartbeat', 'triggered');
  expect((await beat()).status).toBe(202);
  await product.incident('heartbeat', 'resolved');
});
