// A vendor or an address that fails costs seconds, never the page: the next vendor, method or person has its turn.
import { afterAll, beforeAll, expect, test } from 'vitest';

import { at, startProduct, type Product } from '../support/product.ts';

let product: Product;
beforeAll(async () => {
  product = await startProduct({
    secondTelephony: true,
    people: {
      ada: { methods: ['sms'], later: [{ channel: 'email', minutes: 10 }] },
      bea: { methods: ['sms'] },
      cyd: { methods: ['sms'] },
      dov: { methods: ['sms', 'push'] },
      eve: { methods: ['sms', 'push'], unverified: ['sms'] },
      fay: { methods: ['push'], onCall: 'nobody' },
      guy: { methods: ['push'], backup: 'hal' },
      hal: { methods: ['push'] },
      ida: { methods: ['voice'] },
      jan: { methods: ['email', 'push'] },
      kim: { methods: ['email'] },
      lea: { methods: ['sms', 'voice', 'push'] },
      mia: { methods: ['sms'], later: [{ channel: 'email', minutes: 10 }] },
      ned: { methods: ['sms'] },
      oli: { methods: ['sms'] },
    },
  });
});
afterAll(() => product.close());

// Before the others: after their failures the first vendor is left alone for a while.
test('STOP: no text any more, the other methods still page', async () => {
  await product.alert('dov', 'before-stop');
  const sms = await product.phone('dov').expectSms(/before-stop/);
  await product.push('dov').expectPush(/before-stop/);
  await sms.reply('STOP');
  await product.phone('dov').expectSms(/no more messages/);
  await product.alert('dov', 'after-stop');
  await product.push('dov').expectPush(/after-stop/);
  const incident = await product.incident('after-stop');
  await product.expectLogged(incident, 'notify_log_entry', /by push/);
  await product.phone('dov').expectNothing(300);
});

test('a text that did not reach the phone: the mail of ten minutes later goes out at once', async () => {
  const to = product.person('mia').phone;
  await product.simulators.setMood({ door: 'sms', kind: 'undelivered', to });
  await product.alert('mia', 'undelivered');
  await product.phone('mia').expectSms(/Alert undelivered/);
  await product.mailbox('mia').expectMail(/Alert undelivered/);
  const incident = await product.incident('undelivered');
  await product.expectLogged(incident, 'notify_log_entry', /The phone was not reached/);
});

test('reports in the wrong order: delivered is delivered, and nothing goes out again', async () => {
  const to = product.person('ned').phone;
  await product.simulators.setMood({ door: 'sms', kind: 'disorder', to });
  await product.alert('ned', 'disorder');
  const sms = await product.phone('ned').expectSms(/Alert disorder/);
  await product.phone('ned').expectNothing(1000);
  await product.phoneBySecond('ned').expectNothing(300);
  await sms.reply('4');
  await product.incident('disorder', 'acknowledged');
});

test('a number that does not exist: the mail of ten minutes later goes out at once', async () => {
  const to = product.person('ada').phone;
  await product.simulators.setMood({ door: 'sms', kind: 'status', status: 400, code: 21211, to });
  await product.alert('ada', 'bad-number');
  await product.mailbox('ada').expectMail(/Alert bad-number/);
  const incident = await product.incident('bad-number');
  await product.expectLogged(incident, 'notify_log_entry', /Not notified by sms.*21211/);
});

test('a vendor that answers 500: the next vendor sends', async () => {
  const to = product.person('bea').phone;
  await product.simulators.setMood({ door: 'sms', kind: 'status', status: 500, to });
  await product.alert('bea', 'five-hundred');
  await (await product.phoneBySecond('bea').expectSms(/Alert five-hundred/)).reply('4');
  await product.incident('five-hundred', 'acknowledged');
});

test('a vendor that hangs: the next vendor sends within seconds', async () => {
  const to = product.person('cyd').phone;
  await product.simulators.setMood({ door: 'sms', kind: 'hang', to });
  await product.alert('cyd', 'hang');
  await product.phoneBySecond('cyd').expectSms(/Alert hang/, 8000);
});

test('a vendor that takes no calls: the next one calls, and listens to keys as well', async () => {
  const to = product.person('ida').phone;
  await product.simulators.setMood({ door: 'voice', kind: 'refuse', to });
  await product.alert('ida', 'no-calls');
  const call = await product.phoneBySecond('ida').expectCall();
  await (await call.expectSpoken(/Alert no-calls[^]*Press 4/)).press('*');
  await call.expectSpoken(/Alert no-calls[^]*Alert no-calls/);
  await call.press('4');
  await call.expectSpoken(/acknowledged/i);
  await call.expectOver();
  const incident = await product.incident('no-calls', 'acknowledged');
  await product.expectLogged(incident, 'notify_log_entry', /through vonage, after twilio/);
});

test('a mail relay that takes nothing: the next one sends; without both the push goes out, and the log says so', async () => {
  const refusal = { door: 'mail', kind: 'status', code: 451 } as const;
  await product.simulators.setMood({ ...refusal, to: product.person('kim').email });
  await product.alert('kim', 'one-relay');
  await product.second.mailbox(product.person('kim').email).expectMail(/Alert one-relay/);
  const to = product.person('jan').email;
  await product.simulators.setMood({ ...refusal, to });
  await product.second.setMood({ ...refusal, to });
  await product.alert('jan', 'no-relay');
  await (await product.push('jan').expectPush(/Alert no-relay/)).action('Acknowledge');
  const incident = await product.incident('no-relay', 'acknowledged');
  await product.expectLogged(incident, 'notify_log_entry', /Could not notify by email.*smtp-2/);
});

test('all telephony is down: the push goes out at once, and nothing counts as delivered', async () => {
  const to = product.person('lea').phone;
  for (const vendors of [product.simulators, product.second])
    for (const door of ['sms', 'voice'] as const)
      await vendors.setMood({ door, kind: 'refuse', to });
  await product.alert('lea', 'no-telephony');
  const push = await product.push('lea').expectPush(/Alert no-telephony/);
  const incident = await product.incident('no-telephony', 'triggered');
  for (const channel of ['sms', 'voice'])
    await product.expectLogged(
      incident,
      'notify_log_entry',
      new RegExp(`Could not notify by ${channel}(?=.*twilio)(?=.*vonage)`),
    );
  const told = (await product.logEntries(incident)).map((entry) => String(at(entry, 'summary')));
  expect(told.filter((text) => /^Notified by (?!push)/.test(text))).toEqual([]);
  await push.action('Acknowledge');
  await product.incident('no-telephony', 'acknowledged');
});

test('an address that nobody verified is never used', async () => {
  await product.alert('eve', 'unverified');
  await product.push('eve').expectPush(/Alert unverified/);
  await product.phone('eve').expectNothing(300);
});

test('nobody on call: the catch-all is paged, and the log is loud about it', async () => {
  await product.alert('fay', 'nobody');
  await product.push('smoke-owner').expectPush(/Alert nobody/);
  const incident = await product.incident('nobody');
  await product.expectLogged(incident, 'assign_log_entry', /nobody|catch/i);
  expect(product.logs()).toContain('the policy led to nobody who can be paged');
});

test('nobody answers: after the rule’s minute the next person is paged, and an ack ends it', async () => {
  await product.alert('guy', 'escalate');
  await product.push('guy').expectPush(/Alert escalate/);
  const push = await product.push('hal').expectPush(/Alert escalate/, 75_000);
  await push.action('Acknowledge');
  const incident = await product.incident('escalate', 'acknowledged');
  await product.expectLogged(incident, 'escalate_log_entry');
}, 100_000);

// The last one: it is left alone for as long as it asks.
test('a vendor that limits: the next vendor sends instead of waiting', async () => {
  const to = product.person('oli').phone;
  const limiting = { kind: 'status', status: 429, retryAfterSec: 30 } as const;
  await product.simulators.setMood({ door: 'sms', ...limiting, to });
  await product.alert('oli', 'limited');
  await product.phoneBySecond('oli').expectSms(/Alert limited/);
});
