// A call says what is wrong and takes a person's key; a machine that answers it never counts.
import { afterAll, beforeAll, expect, test } from 'vitest';

import type { CallItem } from '../../simulators/items.ts';
import { at, startProduct, type Product } from '../support/product.ts';

let product: Product;
beforeAll(async () => {
  const voice = { methods: ['voice'] } as const;
  product = await startProduct({
    people: { ada: voice, bea: voice, cyd: { methods: ['voice'], backup: 'bea' }, dov: voice },
  });
});
afterAll(() => product.close());

test('star says it again, 4 acknowledges', async () => {
  await product.alert('ada', 'ring', { summary: 'Payments are failing' });
  const call = await product.phone('ada').expectCall();
  await call.expectSpoken(/Payments are failing[^]*Press 4/);
  await call.press('*');
  await call.expectSpoken(/Payments are failing[^]*Payments are failing/);
  await call.press('4');
  await call.expectSpoken(/acknowledged/i);
  await call.expectOver();
  const incident = await product.incident('ring', 'acknowledged');
  const entry = await product.expectLogged(incident, 'acknowledge_log_entry', /ada/);
  expect(at(entry, 'channel', 'type')).toBe('voice');
});

test('6 resolves', async () => {
  await product.alert('bea', 'six');
  const call = await product.phone('bea').expectCall();
  await (await call.expectSpoken(/Alert six/)).press('6');
  await call.expectSpoken(/resolved/i);
  await product.incident('six', 'resolved');
});

test('5 escalates: the next person is called at once', async () => {
  await product.alert('cyd', 'five');
  const call = await product.phone('cyd').expectCall();
  await (await call.expectSpoken(/Alert five/)).press('5');
  const next = await product.phone('bea').expectCall();
  await (await next.expectSpoken(/Alert five/)).press('4');
  const incident = await product.incident('five', 'acknowledged');
  await product.expectLogged(incident, 'escalate_log_entry');
});

test('a machine hears it, and the incident stays open', async () => {
  const { phone } = product.person('dov');
  await product.simulators.setMood({ door: 'voice', kind: 'machine', to: phone });
  await product.alert('dov', 'machine');
  const over = await product.simulators.find(
    (item): item is CallItem =>
      item.type === 'call' && item.address === phone && item.status === 'completed',
    20_000,
  );
  expect(over?.answeredBy).toBe('machine_start');
  expect(over?.spoken.join(' ')).not.toMatch(/Press 4/);
  const incident = await product.incident('machine', 'triggered');
  expect(at(incident, 'acknowledgements')).toEqual([]);
});
