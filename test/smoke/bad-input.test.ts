// Bad input gets a clear error in its sender's format, leaves nothing behind, and is never a fault of ours (5xx).
import twilio from 'twilio';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { at, startProduct, type Product } from '../support/product.ts';

let product: Product;
beforeAll(async () => {
  product = await startProduct({
    people: {
      ada: { methods: ['sms', 'email', 'push'] },
      bea: { methods: ['voice'] },
      cyd: { methods: ['sms'] },
      dov: { methods: ['push'] },
    },
  });
});
afterAll(() => product.close());

const key = (name: string) => product.person(name).keys.events;
const payload = { summary: 's', source: 'smoke', severity: 'critical' };
const trigger = () => ({ routing_key: key('dov'), event_action: 'trigger', payload });

test('events: malformed, mistyped and over-long ones are refused with what is wrong, and page nobody', async () => {
  const bad: unknown[] = [
    ...['', '{', 'null', '[]', '"text"', '{"routing_key":', '\u0000'],
    ...[
      { ...trigger(), payload: 'text' },
      { ...trigger(), event_action: 'explode' },
    ],
    { ...trigger(), payload: { ...payload, severity: 5 } },
    { ...trigger(), payload: { ...payload, summary: { a: 1 } } },
    { ...trigger(), payload: { ...payload, summary: 'x'.repeat(1025) } },
    { ...trigger(), dedup_key: 'k'.repeat(256) },
    { ...trigger(), dedup_key: ['k'] },
    { ...trigger(), routing_key: 'short' },
    { ...trigger(), routing_key: { $ne: '' } },
  ];
  for (const body of bad) {
    const { status, text } = await product.post('/v2/enqueue', body);
    expect([status, text]).toEqual([400, expect.stringMatching(/"errors":\["|"status":"/)]);
  }
  const unknownKey = await product.post('/v2/enqueue', {
    ...trigger(),
    routing_key: 'f'.repeat(32),
  });
  expect(unknownKey.status).toBeGreaterThanOrEqual(202);
  expect(unknownKey.status).toBeLessThan(500);
  const large = JSON.stringify({
    ...trigger(),
    payload: { ...payload, custom_details: { a: 'x'.repeat(1_048_576) } },
  });
  expect((await product.post('/v2/enqueue', large)).status).toBe(413);
  await product.push('dov').expectNothing(500);
  const list = at((await product.rest('GET', '/incidents?date_range=all')).body, 'incidents');
  expect(list).toEqual([]);
});

test('every script and half a character come through; line breaks make no header, no second line, no TwiML', async () => {
  const nasty =
    '🔥 عطل \u202Eetihw "q" <u>&\r\nBcc: mal@people.test\r\n\r\nbody \u0000 \u0007 </Say><Hangup/>';
  const raw = JSON.stringify({ ...trigger(), routing_key: key('ada'), dedup_key: 'nasty' });
  const body = raw.replace('"summary":"s"', `"summary":${JSON.stringify(nasty)}`);
  expect((await product.post('/v2/enqueue', body)).status).toBe(202);
  const mail = await product.mailbox('ada').expectMail(/🔥 عطل/);
  expect(mail.item.headers).not.toHaveProperty('bcc');
  expect(mail.item.subject).not.toMatch(/\p{Cc}/u);
  expect(mail.item.html).not.toContain('<u>');
  const sms = await product.phone('ada').expectSms(/🔥 عطل/);
  expect(sms.text).not.toMatch(/[\p{Cc}\u202e]/u);
  await product.push('ada').expectPush(/🔥 عطل/);
  const incident = await product.incident('nasty', 'triggered');
  expect(at(incident, 'title')).toContain('🔥 عطل');
  const lone = body
    .replaceAll('nasty', 'lone')
    .replace('"source":"smoke"', String.raw`"source":"\ud83d half"`);
  expect((await product.post('/v2/enqueue', lone)).status).toBe(202);
  await product.incident('lone', 'triggered');
});

test('a title cannot speak TwiML', async () => {
  const summary = '</Say><Dial>+15005550000</Dial><Say>&amp; "quoted"';
  await product.alert('bea', 'twiml', { summary });
  const call = await product.phone('bea').expectCall();
  await call.expectSpoken(/<Dial>/);
  await call.press('4');
  await product.incident('twiml', 'acknowledged');
});

test('forged callbacks are refused, replayed ones count once', async () => {
  await product.alert('cyd', 'forged');
  const sms = await product.phone('cyd').expectSms(/Alert forged/);
  const form = {
    From: product.person('cyd').phone,
    To: sms.item.number,
    Body: '4',
    MessageSid: 'SMreplay',
    AccountSid: product.twilioSid,
  };
  const url = `${product.apiUrl}/inbound/twilio/sms`;
  const send = (fields: Record<string, string>, signature?: string) =>
    product.post('/inbound/twilio/sms', new URLSearchParams(fields).toString(), {
      'content-type': 'application/x-www-form-urlencoded',
      ...(signature === undefined ? {} : { 'x-twilio-signature': signature }),
    });
  const sign = (token: string) => twilio.getExpectedTwilioSignature(token, url, form);
  for (const signature of [undefined, '', sign('a-wrong-token'), 'x'.repeat(4000)])
    expect((await send(form, signature)).status).toBe(403);
  expect((await send({ ...form, Body: '6' }, sign(product.twilioToken))).status).toBe(403);
  await product.incident('forged', 'triggered');
  for (let copy = 0; copy < 3; copy += 1)
    expect((await send(form, sign(product.twilioToken))).status).toBe(200);
  const incident = await product.incident('forged', 'acknowledged');
  await product.phone('cyd').expectSms(/acknowledged/i);
  const types = (await product.logEntries(incident)).map((entry) => at(entry, 'type'));
  expect(types.filter((type) => type === 'acknowledge_log_entry')).toHaveLength(1);
});

test('configuration over REST: refused whole, in PagerDuty’s shape', async () => {
  const before = at((await product.rest('GET', '/users')).body, 'users', 'length');
  const user = { type: 'user', name: 'N', email: 'n@people.test' };
  for (const body of [
    ...['text', [], {}, { user: null }, { user: { ...user, email: 'not an address' } }],
    { user: { ...user, name: 'x'.repeat(5000) } },
    { user: { ...user, name: 'a\r\nBcc: x@people.test' } },
    { user: { ...user, name: 'bell \u0007' } },
    { user: { ...user, role: 'god' } },
  ]) {
    const answer = await product.rest('POST', '/users', body);
    expect(
      [answer.status, at(answer.body, 'error', 'message')],
      JSON.stringify(body).slice(0, 99),
    ).toEqual([400, expect.any(String)]);
  }
  const large = await product.rest('POST', '/users', {
    user: { ...user, description: 'x'.repeat(1_048_576) },
  });
  expect([400, 413]).toContain(large.status);
  expect(at((await product.rest('GET', '/users')).body, 'users', 'length')).toBe(before);
  for (const path of [
    '/incidents/%00',
    '/incidents/..%2f..%2fetc',
    '/users/%E0%A4%A',
    `/incidents/${'x'.repeat(3000)}`,
  ]) {
    const { status } = await product.rest('GET', path);
    expect([400, 404, 414]).toContain(status);
  }
});
