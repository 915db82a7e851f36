// SNS is believed only with the right topic, host, age and signature, and never leads the api anywhere else; mails
// and heartbeats are on disk when they are taken, and refused when they cannot be.
import { createServer, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sign } from 'node:crypto';

import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { startInboundSmtp, type RunningSmtp } from '../../api/inbound/smtp.ts';
import { createResponders } from '../../api/inbound/responders.ts';
import { createMailIntake } from '../../api/intake/mail.ts';
import { IntakeRefusal } from '../../api/intake/sink.ts';
import { startApi, type RunningApi } from '../../api/server.ts';
import { hashKey } from '../../platform/ids.ts';
import { memoryDirectory, sampleAccount } from '../support/memory-directory.ts';
import { sampleApi } from '../support/sample-api.ts';

const KEYS = { sns: '1'.repeat(32), mail: '2'.repeat(32), grafana: '3'.repeat(32) };
const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:alarms';
const CERTIFICATE = 'https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-abc.pem';

const folder = mkdtempSync(path.join(tmpdir(), 'pdlite-sns-'));
const asked: string[] = [];
const amazon = createServer((request: IncomingMessage, response) => {
  asked.push(request.url ?? '');
  response.end(
    request.url?.endsWith('.pem') ? readFileSync(path.join(folder, 'cert.pem')) : '<ok/>',
  );
});
let api: RunningApi;
let smtp: RunningSmtp;
let sample: ReturnType<typeof sampleApi>;
/** By how much the machine's clock was set wrong after the api began. */
let clockOffMs = 0;

beforeAll(async () => {
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => path.join(folder, name));
  execFileSync(
    'openssl',
    [
      ...[
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-keyout',
        key ?? '',
        '-out',
        cert ?? '',
      ],
      ...['-days', '2', '-subj', '/CN=sns.amazonaws.com'],
    ],
    { stdio: 'pipe' },
  );
  amazon.listen(0, '127.0.0.1');
  await once(amazon, 'listening');
  const account = sampleAccount();
  const [strict] = account.integrations;
  if (!strict) throw new Error('no integration');
  const integrations = [
    { ...strict, id: 'PSNS', keyHash: hashKey(KEYS.sns), topicArn: TOPIC },
    { ...strict, id: 'PMAIL', keyHash: hashKey(KEYS.mail) },
    { ...strict, id: 'PGRAFANA', keyHash: hashKey(KEYS.grafana) },
  ];
  const directory = memoryDirectory([{ ...account, integrations }]);
  sample = sampleApi({ directory, now: () => new Date(Date.now() + clockOffMs) });
  const port = (amazon.address() as AddressInfo).port;
  const config = { ...sample.deps.config, SNS_ENDPOINT: `http://127.0.0.1:${port}`, API_PORT: 0 };
  const deps = { ...sample.deps, config: { ...config, INBOUND_SMTP_PORT: 0 } };
  api = await startApi(deps, sample.sink);
  const resolver = () => Promise.reject(Object.assign(new Error('none'), { code: 'ENOTFOUND' }));
  const intake = createMailIntake({ deps, sink: sample.sink, resolver });
  smtp = await startInboundSmtp(deps, { responders: createResponders(deps.temporal), intake });
});
beforeEach(() => {
  sample.stored.length = 0;
  clockOffMs = 0;
  sample.fail(null);
  asked.length = 0;
});
afterAll(async () => {
  await Promise.all([api.close(), smtp.close()]);
  amazon.close();
  rmSync(folder, { recursive: true });
});

type Post = Readonly<Record<string, string>>;
const FIELDS = [
  'Message',
  'MessageId',
  'SubscribeURL',
  'Subject',
  'Timestamp',
  'Token',
  'TopicArn',
  'Type',
];

function notification(more: Post = {}): Post {
  return {
    ...{ Type: 'Notification', MessageId: 'm1', TopicArn: TOPIC, SignatureVersion: '2' },
    ...{ Timestamp: new Date().toISOString(), SigningCertURL: CERTIFICATE },
    Message: JSON.stringify({ AlarmName: 'cpu', AlarmArn: 'arn:cpu', NewStateValue: 'ALARM' }),
    ...more,
  };
}

function signed(post: Post): Post {
  const content = FIELDS.filter((name) => name in post)
    .map((name) => `${name}\n${post[name] ?? ''}\n`)
    .join('');
  const algorithm = post['SignatureVersion'] === '1' ? 'RSA-SHA1' : 'RSA-SHA256';
  const key = readFileSync(path.join(folder, 'key.pem'));
  return { ...post, Signature: sign(algorithm, Buffer.from(content), key).toString('base64') };
}

const send = (post: Post, key = KEYS.sns) =>
  fetch(`${api.url}/integration/${key}/cloudwatch`, {
    ...{ method: 'POST', body: JSON.stringify(post) },
    headers: { 'content-type': 'text/plain; charset=UTF-8' },
  });

test.each(['1', '2'])(
  'a signed alarm is taken (signature version %s)',
  async (SignatureVersion) => {
    expect((await send(signed(notification({ SignatureVersion })))).status).toBe(202);
    expect(sample.stored.map(({ event }) => [event.action, event.dedupKey])).toEqual([
      ['trigger', 'arn:cpu'],
    ]);
  },
);

test('a subscription of the topic is confirmed at Amazon’s address, whatever the post says', async () => {
  const post = notification({
    ...{ Type: 'SubscriptionConfirmation', Token: 'tok&en', Message: 'You have chosen…' },
    SubscribeURL: 'http://169.254.169.254/latest/meta-data',
  });
  expect((await send(signed(post))).status).toBe(200);
  expect(asked.at(-1)).toBe(
    `/?Action=ConfirmSubscription&TopicArn=${encodeURIComponent(TOPIC)}&Token=tok%26en`,
  );
  expect(sample.stored).toEqual([]);
});

test.each<[string, Post, number]>([
  ['another topic', { TopicArn: 'arn:aws:sns:eu-west-1:999999999999:alarms' }, 403],
  ['another host', { SigningCertURL: 'https://evil.test/a.pem' }, 400],
  ['another region', { SigningCertURL: CERTIFICATE.replace('eu-', 'us-') }, 400],
  [
    'a host that only begins so',
    { SigningCertURL: CERTIFICATE.replace('.com', '.com.evil.test') },
    400,
  ],
  ['http', { SigningCertURL: CERTIFICATE.replace('https', 'http') }, 400],
  ['credentials', { SigningCertURL: CERTIFICATE.replace('//', '//u@') }, 400],
  ['a port', { SigningCertURL: CERTIFICATE.replace('.com/', '.com:8443/') }, 400],
  ['a path', { SigningCertURL: CERTIFICATE.replace('/Simple', '/../a/Simple') }, 400],
  ['an old one', { Timestamp: new Date(Date.now() - 2 * 3_600_000).toISOString() }, 400],
  ['no time', { Timestamp: 'soon' }, 400],
  ['another kind', { Type: 'Else' }, 401],
  ['another version', { SignatureVersion: '3' }, 401],
])('refused: %s', async (_name, more, status) => {
  expect((await send(signed(notification(more)))).status).toBe(status);
  expect(sample.stored).toEqual([]);
  expect(asked.filter((url) => !url.endsWith('.pem'))).toEqual([]);
});

test.each([-6, 6])('taken although the machine’s clock is wrong by %i hours', async (hours) => {
  clockOffMs = hours * 3_600_000;
  expect((await send(signed(notification()))).status).toBe(202);
  expect(sample.stored).toHaveLength(1);
});

test('refused: what was changed after it was signed', async () => {
  const post = { ...signed(notification()), Message: '{"AlarmName":"x","NewStateValue":"OK"}' };
  expect((await send(post)).status).toBe(401);
  expect(sample.stored).toEqual([]);
});

test('an integration without a topic takes none', async () => {
  expect((await send(signed(notification()), KEYS.grafana)).status).toBe(403);
});

test('Grafana’s webhook is taken', async () => {
  const body = {
    ...{ version: '1', orgId: 1, state: 'alerting', title: 't' },
    alerts: [{ status: 'firing', fingerprint: 'g1', labels: { alertname: 'Disk' } }],
  };
  const url = `${api.url}/integration/${KEYS.grafana}/grafana`;
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
  expect(answer.status).toBe(202);
  expect(sample.stored[0]?.event).toMatchObject({ dedupKey: 'g1', client: 'Grafana' });
});

const mail = (to: string, subject: string) =>
  createTransport({ host: '127.0.0.1', port: smtp.port, ignoreTLS: true }).sendMail({
    ...{ from: 'nagios@mon.test', to, subject, text: 'disk is full' },
    headers: { 'Auto-Submitted': 'auto-generated' },
  });
const address = (key: string) => `alerts+${key}@${sample.deps.config.REPLY_DOMAIN}`;

test('a mail to an integration’s address is an alert, with what SPF and DKIM said', async () => {
  await mail(address(KEYS.mail), 'PROBLEM: disk');
  expect(sample.stored[0]?.event).toMatchObject({
    ...{ action: 'trigger', dedupKey: 'disk', integrationId: 'PMAIL' },
    payload: { customDetails: { body: 'disk is full\n', authentication: { dkim: 'none' } } },
  });
});

test('an unknown address is refused, and a mail that cannot be stored stays with its sender', async () => {
  await expect(mail(address('9'.repeat(32)), 'x')).rejects.toMatchObject({ responseCode: 550 });
  sample.fail(new IntakeRefusal('unavailable', 5));
  await expect(mail(address(KEYS.mail), 'x')).rejects.toMatchObject({ responseCode: 451 });
});

test('a beat for another kind of integration, or while Temporal is away, is refused', async () => {
  const beat = (key: string) =>
    fetch(`${api.url}/integration/${key}/heartbeat`, { method: 'POST' });
  expect((await beat('9'.repeat(32))).status).toBe(401);
  expect((await beat(KEYS.grafana)).status).toBe(400);
});
