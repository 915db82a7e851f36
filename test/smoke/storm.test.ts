// Twenty incidents at once for one person: the first pages arrive at once, the rest in few messages with the right count.
import { afterAll, beforeAll, expect, test } from 'vitest';

import { startProduct, type Product } from '../support/product.ts';

let product: Product;
beforeAll(async () => {
  product = await startProduct({ people: { ada: { methods: ['sms'] } } });
});
afterAll(() => product.close());

test('few messages, the right count, and one code for what the last one names', async () => {
  const keys = Array.from({ length: 20 }, (_, number) => `storm-${number}`);
  await Promise.all(keys.map((key) => product.alert('ada', key)));
  const last = await product.phone('ada').expectSms(/20 open/);
  const texts = (await product.simulators.ledger())
    .map(({ item }) => item)
    .filter((item) => item.type === 'sms');
  expect(texts.length).toBeLessThanOrEqual(5);
  const code = / 4 ([A-Z2-9]{6})/.exec(last.text)?.[1] ?? '';
  expect(code).not.toBe('');
  await last.reply(`6 ${code}`);
  await product.phone('ada').expectSms(/Resolved: /);
});
