// An alert reaches a person by every channel that they chose, and their answer, by any of them, is the incident's state.
import { afterAll, beforeAll, expect, test } from 'vitest';

import { at, startProduct, type Product } from '../support/product.ts';

let product: Product;
beforeAll(async () => {
  product = await startProduct({
    people: {
      ada: {},
      bea: { methods: ['sms'] },
      cyd: { methods: ['email'] },
      dov: { methods: ['push'] },
      eve: { methods: ['sms'] },
      fay: { methods: ['sms'] },
    },
  });
});
afterAll(() => product.close());

test('push, SMS and mail page; a bare 4 by SMS acknowledges, and the log says who, how and why', async () => {
  await product.alert('ada', 'disk', { summary: 'Disk full on db-1' });
  const sms = await product.phone('ada').expectSms(/Disk full on db-1/);
  await product.push('ada').expectPush(/Disk full on db-1/);
  await product.mailbox('ada').expectMail(/Disk full on db-1/);
  expect(sms.text).toMatch(/Reply 4: Ack, 6: Resolve/);
  await sms.reply('4');
  const incident = await product.incident('disk', 'acknowledged');
  await product.phone('ada').expectSms(/acknowledged/i);
  expect(at(incident, 'acknowledgements', '0', 'acknowledger', 'summary')).toBe('ada');
  await product.expectLogged(incident, 'trigger_log_entry');
  await product.expectLogged(incident, 'assign_log_entry', /rule 1/);
  await product.expectLogged(incident, 'notify_log_entry', /sms/i);
  await product.expectLogged(incident, 'notify_log_entry', /push/i);
  await product.expectLogged(incident, 'notify_log_entry', /e-?mail/i);
  const entry = await product.expectLogged(incident, 'acknowledge_log_entry', /ada/);
  expect(at(entry, 'channel', 'type')).toBe('sms');
});

test('two open: a bare 4 is refused with the reason, a wrong code too, the right code answers its own message', async () => {
  const phone = product.phone('bea');
  await product.alert('bea', 'one');
  await phone.expectSms(/Alert one/);
  await product.alert('bea', 'two');
  const second = await phone.expectSms(/Alert two/);
  await second.reply('4');
  await phone.expectSms(/2 incidents are open/);
  await second.reply('4 ZZZZZ9');
  await phone.expectSms(/code is unknown/);
  const code = /Reply 4 ([A-Z2-9]{6})/.exec(second.text)?.[1] ?? '';
  await second.reply(`4 ${code}`);
  await product.incident('two', 'acknowledged');
  await product.incident('one', 'triggered');
  await phone.expectSms(/acknowledged/i);
  await second.reply(`4 ${code}`);
  await phone.expectSms(/already/i);
});

test('a mail link changes nothing when it is opened, acts once when its button is pressed', async () => {
  await product.alert('cyd', 'link');
  const mail = await product.mailbox('cyd').expectMail(/Alert link/);
  const url = mail.link('Acknowledge');
  for (const method of ['GET', 'HEAD', 'GET'])
    expect((await fetch(url, { method })).status).toBe(200);
  await product.incident('link', 'triggered');
  expect(await mail.answer('Acknowledge')).toMatch(/acknowledged/i);
  await product.incident('link', 'acknowledged');
  await mail.answer('Acknowledge');
  const entries = await product.logEntries(await product.incident('link'));
  expect(entries.filter((entry) => at(entry, 'type') === 'acknowledge_log_entry')).toHaveLength(1);
  const forged = await fetch(`${url.slice(0, -2)}AA`, { method: 'POST' });
  expect(forged.status).toBe(410);
});

test('a reply to the mail resolves', async () => {
  await product.alert('cyd', 'reply');
  const mail = await product.mailbox('cyd').expectMail(/Alert reply/, 90_000);
  expect(await mail.reply('resolve\n\n> quoted: ack')).toMatchObject({ problem: null });
  const incident = await product.incident('reply', 'resolved');
  await product.expectLogged(incident, 'resolve_log_entry', /cyd/);
});

test('the button of a push acknowledges', async () => {
  await product.alert('dov', 'push');
  const push = await product.push('dov').expectPush(/Alert push/);
  const after = await push.action('Acknowledge');
  expect(after.pressed.at(-1)?.status).toBe(200);
  await product.incident('push', 'acknowledged');
});

test('one key is one incident while it is open, and a new one after it was resolved', async () => {
  await product.alert('eve', 'again');
  await product.alert('eve', 'again');
  const sms = await product.phone('eve').expectSms(/Alert again/);
  await sms.reply('6');
  const first = await product.incident('again', 'resolved');
  await product.phone('eve').expectSms(/resolved/i);
  expect(await product.incidents('again')).toHaveLength(1);
  await product.alert('eve', 'again', { summary: 'Back again' });
  await product.phone('eve').expectSms(/Back again/);
  const second = await product.incident('again', 'triggered');
  expect(at(second, 'id')).not.toBe(at(first, 'id'));
});

test('the alert’s own resolve ends it, and tells the phone that asks too late', async () => {
  await product.alert('fay', 'gone');
  const sms = await product.phone('fay').expectSms(/Alert gone/);
  await product.alert('fay', 'gone', { action: 'resolve' });
  const incident = await product.incident('gone', 'resolved');
  await product.expectLogged(incident, 'resolve_log_entry');
  await sms.reply('4');
  await product.phone('fay').expectSms(/already|nothing is open/i);
});
