// With no worker, alerts and answers are kept: nothing is lost, and nobody is paged for what was answered meanwhile.
// Lists and configuration work.
import { afterAll, beforeAll, expect, test } from 'vitest';

import { at, startProduct, type Product } from '../support/product.ts';

let product: Product;
beforeAll(async () => {
  product = await startProduct({
    people: { ada: { methods: ['sms'] }, bea: { methods: ['push'] }, cyd: { methods: ['email'] } },
  });
});
afterAll(() => product.close());

test('alerts and answers that come while no worker runs take effect when one is back', async () => {
  await product.alert('ada', 'before');
  const sms = await product.phone('ada').expectSms(/Alert before/);
  await product.alert('cyd', 'mailed');
  const mail = await product.mailbox('cyd').expectMail(/Alert mailed/);
  await product.incident('before', 'triggered');
  await product.incident('mailed', 'triggered');
  await product.worker.stop();
  await product.alert('bea', 'meanwhile');
  await product.alert('bea', 'over', { summary: 'Over before anybody saw it' });
  await product.alert('bea', 'over', { action: 'resolve' });
  expect((await sms.reply('4')).problem).toBeNull();
  expect(await mail.answer('Acknowledge')).toMatch(/stored/);
  expect((await product.incidents('before')).length).toBe(1);
  const team = { type: 'team', name: 'Made without a worker' };
  expect((await product.rest('POST', '/teams', { team })).status).toBe(201);
  await product.worker.start();
  await product.push('bea').expectPush(/Alert meanwhile/);
  await product.incident('over', 'resolved');
  const incident = await product.incident('before', 'acknowledged');
  expect(at(incident, 'acknowledgements', '0', 'acknowledger', 'summary')).toBe('ada');
  await product.incident('mailed', 'acknowledged');
  await product.phone('ada').expectSms(/acknowledged/i);
  await product.phone('ada').expectNothing(500);
  await product.push('bea').expectNothing(500);
});

test('a worker that was killed loses no page', async () => {
  await product.worker.kill();
  await product.alert('bea', 'killed');
  await product.worker.start();
  await (await product.push('bea').expectPush(/Alert killed/)).action('Acknowledge');
  await product.incident('killed', 'acknowledged');
});
