// The simulators speak the vendors' wire protocols: what the vendors' own libraries send is taken, states
// are reported by signed callbacks, calls follow their TwiML, and every mood shows on the wire.
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { createTransport } from 'nodemailer';
import twilio from 'twilio';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

import { readJsonLines } from '../platform/json-lines.ts';
import { startTestSimulators } from '../test/support/simulators.ts';

const TOKEN = 'simulated-twilio-token';
const SID = 'AC00000000000000000000000000000001';
interface Seen {
  readonly url: string;
  readonly form: URLSearchParams;
  readonly genuine: boolean;
}
const seen: Seen[] = [];
let answer: (path: string, form: URLSearchParams) => string = () => '<Response/>';
let base = '';
const product = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on('data', (part: Buffer) => parts.push(part));
  request.on('end', () => {
    const form = new URLSearchParams(Buffer.concat(parts).toString());
    const url = base + (request.url ?? '');
    const signature = String(request.headers['x-twilio-signature'] ?? '');
    const genuine = twilio.validateRequest(TOKEN, signature, url, Object.fromEntries(form));
    seen.push({ url, form, genuine });
    response.setHeader('Content-Type', 'text/xml').end(answer(request.url ?? '', form));
  });
});
let people: Awaited<ReturnType<typeof startTestSimulators>>;

beforeAll(async () => {
  await new Promise<void>((resolve) => product.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(product.address() as AddressInfo).port}`;
  people = await startTestSimulators({ smsUrl: `${base}/sms` });
});
afterEach(async () => {
  await people.resetMoods();
});
afterAll(async () => {
  await people.close();
  product.closeAllConnections();
  product.close();
});

async function order(kind: 'Messages' | 'Calls', fields: Record<string, string>, token = TOKEN) {
  return fetch(`${people.url}/twilio/2010-04-01/Accounts/${SID}/${kind}.json`, {
    method: 'POST',
    headers: { Authorization: `Basic ${Buffer.from(`${SID}:${token}`).toString('base64')}` },
    body: new URLSearchParams({ From: '+15550000000', ...fields }),
  });
}

describe('text messages', () => {
  it('arrive, are reported by signed callbacks, and are answered', async () => {
    answer = (path) =>
      path === '/sms' ? '<Response><Message>Acked &amp; done</Message></Response>' : '';
    const sent = await order('Messages', {
      ...{ To: '+15551110001', Body: 'Database down', StatusCallback: `${base}/status` },
    });
    expect(sent.status).toBe(201);
    const sms = await people.phone('+15551110001').expectSms('Database down');
    expect(sms.item.id).toMatch(/^SM[0-9a-f]{32}$/);
    await expect
      .poll(() => seen.map(({ form }) => form.get('MessageStatus')))
      .toEqual(['sent', 'delivered']);
    expect((await sms.reply('4')).problem).toBeNull();
    await people.phone('+15551110001').expectSms('Acked & done');
    expect(seen.at(-1)?.form.get('Body')).toBe('4');
    expect(seen.every(({ genuine }) => genuine)).toBe(true);
  });

  it.each([
    [{ To: 'nonsense', Body: 'x' }, 21211],
    [{ Body: 'x' }, 21604],
    [{ To: '+15551110001' }, 21602],
  ])('are refused with the vendor’s code: %j', async (fields, code) => {
    const refused = await order('Messages', fields);
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ code, status: 400 });
  });

  it('are refused for a wrong token, and after STOP', async () => {
    expect((await order('Messages', { To: '+15551110001', Body: 'x' }, 'wrong')).status).toBe(401);
    answer = () => '<Response/>';
    await people.phone('+15551110002').sendSms('STOP');
    const refused = await order('Messages', { To: '+15551110002', Body: 'x' });
    expect(await refused.json()).toMatchObject({ code: 21610 });
    await people.phone('+15551110002').sendSms('start');
    expect((await order('Messages', { To: '+15551110002', Body: 'x' })).status).toBe(201);
  });

  it('follow the mood of their door', async () => {
    const to = '+15551110003';
    await people.setMood({ door: 'sms', kind: 'status', status: 429, retryAfterSec: 7, times: 1 });
    const limited = await order('Messages', { To: to, Body: 'x' });
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '7']);
    await people.setMood({ door: 'sms', kind: 'refuse', to });
    await expect(order('Messages', { To: to, Body: 'x' })).rejects.toThrow();
    await people.setMood({ door: 'sms', kind: 'disorder', to });
    seen.length = 0;
    await order('Messages', { To: to, Body: 'x', StatusCallback: `${base}/status` });
    await expect
      .poll(() => seen.map(({ form }) => form.get('MessageStatus')))
      .toEqual(['delivered', 'sent']);
  });
});

describe('calls', () => {
  it('ring, speak, listen to keys and end', async () => {
    answer = (path, form) => {
      if (path === '/digits')
        return `<Response><Say>You pressed ${form.get('Digits') ?? ''}</Say><Hangup/></Response>`;
      return '<Response><Gather numDigits="1" action="/digits" timeout="5"><Say>Press 4</Say></Gather></Response>';
    };
    await order('Calls', { To: '+15551110004', Url: `${base}/voice`, MachineDetection: 'Enable' });
    const call = await people.phone('+15551110004').expectCall();
    await call.expectSpoken(/Press 4/);
    await call.press('4');
    await call.expectSpoken('You pressed 4');
    expect((await call.expectOver()).answeredBy).toBe('human');
    expect(seen.at(-1)?.form.get('Digits')).toBe('4');
  });

  it('are answered by a machine when told so', async () => {
    answer = () => '<Response><Say>Hello</Say></Response>';
    seen.length = 0;
    await people.setMood({ door: 'voice', kind: 'machine' });
    await order('Calls', { To: '+15551110005', Url: `${base}/voice`, MachineDetection: 'Enable' });
    await expect.poll(() => seen[0]?.form.get('AnsweredBy')).toBe('machine_start');
  });
});

describe('push and mail', () => {
  it('shows notifications, whose actions the phone itself performs', async () => {
    answer = () => '{"done":true}';
    const actions = [
      { action: 'http', label: 'Acknowledge', url: `${base}/answer/1`, method: 'POST' },
    ];
    const body = JSON.stringify({
      topic: 'ada',
      title: 'T',
      message: 'Disk full',
      priority: 5,
      actions,
    });
    const published = await fetch(`${people.url}/ntfy/`, { method: 'POST', body });
    expect(await published.json()).toMatchObject({ event: 'message', topic: 'ada' });
    const push = await people.push('ada').expectPush('Disk full');
    expect((await push.action('Acknowledge')).pressed).toMatchObject([{ status: 200 }]);
  });

  it('takes mail, and refuses it when told so', async () => {
    const transport = createTransport({ host: '127.0.0.1', port: people.smtpPort });
    const mail = {
      from: 'p@x.test',
      to: 'Ada@x.test',
      subject: 'S',
      html: '<a href="http://u/?a&amp;b">Ack</a>',
    };
    await transport.sendMail(mail);
    const received = await people.mailbox('ada@x.test').expectMail('S');
    expect(received.link('Ack')).toBe('http://u/?a&b');
    expect((await received.reply('ack')).problem).toMatch(/ECONNREFUSED/);
    await people.setMood({ door: 'mail', kind: 'status', code: 550 });
    await expect(transport.sendMail(mail)).rejects.toMatchObject({ responseCode: 550 });
    await people.mailbox('ada@x.test').expectNothing(20);
    transport.close();
  });
});

it('writes everything received to a file, which outlives it', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'pdlite-ledger-'));
  const ledgerFile = path.join(folder, 'vendor.jsonl');
  const short = await startTestSimulators({ ledgerFile });
  await fetch(`${short.url}/ntfy/`, { method: 'POST', body: '{"topic":"ada","message":"kept"}' });
  await fetch(`${short.url}/control/ledger`, { method: 'DELETE' });
  await short.close();
  expect(readJsonLines(ledgerFile)).toMatchObject([
    { seq: 1, item: { type: 'request' } },
    { seq: 2, item: { type: 'push', text: 'kept' } },
  ]);
  await rm(folder, { recursive: true });
});
