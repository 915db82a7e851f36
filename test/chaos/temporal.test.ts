// Temporal killed, and Temporal standing still: alerts are taken, whoever answers is told the truth, lists and
// configuration work; afterwards everything is paged, and answers count again.
import { afterAll, beforeAll, expect, test } from 'vitest';

import { OwnTemporal } from '../support/own-temporal.ts';
import { at, startProduct, type Product } from '../support/product.ts';

/** An answer to somebody who waits never takes longer. */
const TOLD_MS = 6000;
let temporal: OwnTemporal;
let product: Product;
beforeAll(async () => {
  temporal = await OwnTemporal.start();
  product = await startProduct({
    people: { ada: { methods: ['sms'] }, bea: { methods: ['push'] } },
    environment: { TEMPORAL_ADDRESS: temporal.address, TEMPORAL_NAMESPACE: 'default' },
  });
}, 120_000);
afterAll(async () => {
  temporal.resume();
  await product.close();
  await temporal.close();
});

async function inTime<T>(work: Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const result = await work;
  expect(performance.now() - startedAt).toBeLessThan(TOLD_MS);
  return result;
}

const outages = {
  killed: { begin: () => temporal.kill(), end: () => temporal.restart() },
  'standing still': {
    begin: () => {
      temporal.hang();
      return Promise.resolve();
    },
    end: () => {
      temporal.resume();
      return Promise.resolve();
    },
  },
} as const;

test.each(['killed', 'standing still'] as const)('%s', { timeout: 90_000 }, async (how) => {
  const [before, meanwhile] = [`${how} before`, `${how} meanwhile`];
  await product.alert('ada', before);
  const sms = await product.phone('ada').expectSms(new RegExp(before));
  const incident = await product.incident(before, 'triggered');

  await outages[how].begin();
  await inTime(product.alert('bea', meanwhile));
  await inTime(sms.reply('4'));
  await product.phone('ada').expectSms(/NOT record/);
  const body = { incident: { type: 'incident_reference', status: 'acknowledged' } };
  const path = `/incidents/${String(at(incident, 'id'))}`;
  const refused = await inTime(product.rest('PUT', path, body));
  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await inTime(product.rest('GET', '/incidents?date_range=all'))).status).toBe(200);
  expect(at(await product.incident(before), 'status')).toBe('triggered');
  const team = { type: 'team', name: `Made with Temporal ${how}` };
  expect((await inTime(product.rest('POST', '/teams', { team }))).status).toBe(201);

  await outages[how].end();
  await product.push('bea').expectPush(new RegExp(meanwhile), 40_000);
  await expect
    .poll(async () => (await product.rest('PUT', path, body)).status, { timeout: 20_000 })
    .toBe(200);
  await product.incident(before, 'acknowledged');
});
