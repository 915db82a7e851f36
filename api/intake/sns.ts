import { verify, X509Certificate } from 'node:crypto';

import { isObject, type JsonObject } from '../../domain/intake/fields.ts';
import { steadyTimeMs } from '../../platform/steady-time.ts';
import { readBounded } from '../../providers/read-bounded.ts';
import type { Answer } from '../route.ts';
import type { Arrival } from './doors.ts';
import { IntakeRefusal } from './sink.ts';

/** `arn:aws:sns:{region}:{account}:{name}`, also of the partitions `aws-cn` and `aws-us-gov`. */
export const SNS_TOPIC = /^arn:(aws|aws-cn|aws-us-gov):sns:([a-z0-9-]+):\d{12}:[\w-]+(?:\.fifo)?$/;

const HTTP_LIMIT_MS = 3000;
/** SNS tries again for an hour at most; older posts are replays. Clocks may differ by five minutes. */
const MAX_AGE_MS = 65 * 60_000;
const MAX_AHEAD_MS = 5 * 60_000;
/** Certificates kept, and how long; beyond the number all are fetched again. */
const MAX_CERTIFICATES = 50;
const CERTIFICATE_LIFE_MS = 24 * 3_600_000;

const SIGNED: Readonly<Record<string, readonly string[]>> = {
  Notification: ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'],
  SubscriptionConfirmation: [
    ...['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
  ],
  UnsubscribeConfirmation: [
    ...['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'],
  ],
};
const ALGORITHMS: Readonly<Record<string, string>> = { '1': 'RSA-SHA1', '2': 'RSA-SHA256' };

const certificates = new Map<string, { readonly pem: X509Certificate; readonly until: number }>();

/**
 * Lets a post of Amazon SNS in when the integration's topic sent it: the topic's name, the age, the certificate's
 * host and the signature are checked. A subscription of that topic is confirmed here, at an address made from the
 * topic's name, never at the one in the post.
 * Source: docs.aws.amazon.com/sns, «Verifying the signatures of Amazon SNS messages».
 */
export async function admitSns({ deps, found, body }: Arrival): Promise<Answer | null> {
  const post = isObject(body) ? body : {};
  const { integration } = found;
  const topic = SNS_TOPIC.exec(text(post, 'TopicArn'));
  if (!topic || integration.topicArn !== text(post, 'TopicArn')) {
    deps.logger.warn(
      { integrationId: integration.id, topicArn: text(post, 'TopicArn').slice(0, 400) },
      'SNS topic refused: it is not the integration’s topic_arn',
    );
    return refused(403, 'TopicArn is not the topic_arn of this integration');
  }
  const origin = originOf(topic, deps.config.SNS_ENDPOINT);
  const wrong = ageError(post, deps.now()) ?? certificateError(post, topic);
  if (wrong !== null) return refused(400, wrong);
  const certificate = await certificateOf(text(post, 'SigningCertURL'), origin, deps.now());
  if (!isSigned(post, certificate)) return refused(401, 'The signature is wrong');
  return text(post, 'Type') === 'Notification' ? null : subscription(deps, post, origin);
}

function refused(status: number, error: string): Answer {
  return { status, body: { status: 'error', message: 'The post is refused', errors: [error] } };
}

function text(post: JsonObject, name: string): string {
  const value = post[name];
  return typeof value === 'string' ? value : '';
}

function originOf([, partition, region]: RegExpExecArray, configured: string | undefined): string {
  const host = `sns.${region ?? ''}.amazonaws.com${partition === 'aws-cn' ? '.cn' : ''}`;
  return configured?.replace(/\/$/, '') ?? `https://${host}`;
}

function ageError(post: JsonObject, now: Date): string | null {
  // By either: a clock that was set must not make us deaf.
  const ages = [now.getTime(), steadyTimeMs()].map(
    (ms) => ms - Date.parse(text(post, 'Timestamp')),
  );
  return ages.some((age) => age <= MAX_AGE_MS && age >= -MAX_AHEAD_MS)
    ? null
    : 'Timestamp is missing, too old or ahead';
}

function certificateError(post: JsonObject, topic: RegExpExecArray): string | null {
  const url = URL.parse(text(post, 'SigningCertURL'));
  const fits =
    url?.origin === originOf(topic, undefined) &&
    url.username === '' &&
    url.search === '' &&
    /^\/[\w-]+\.pem$/.test(url.pathname);
  return fits ? null : 'SigningCertURL is not one of Amazon SNS in the region of the topic';
}

async function certificateOf(address: string, origin: string, now: Date): Promise<X509Certificate> {
  const url = origin + new URL(address).pathname;
  const known = certificates.get(url);
  if (known && known.until > now.getTime()) return known.pem;
  const pem = certificateIn(await fetched(url));
  if (certificates.size >= MAX_CERTIFICATES) certificates.clear();
  const until = Math.min(now.getTime() + CERTIFICATE_LIFE_MS, Date.parse(pem.validTo));
  certificates.set(url, { pem, until });
  return pem;
}

function certificateIn(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new IntakeRefusal('unavailable', 20, error);
  }
}

/** @throws IntakeRefusal, so that SNS comes again: whether the post is right is not known yet. */
async function fetched(url: string): Promise<string> {
  try {
    const signal = AbortSignal.timeout(HTTP_LIMIT_MS);
    const response = await fetch(url, { redirect: 'error', signal });
    const content = await readBounded(response);
    if (!response.ok) throw new Error(`SNS answered ${response.status}`);
    return content;
  } catch (error) {
    throw new IntakeRefusal('unavailable', 20, error);
  }
}

function isSigned(post: JsonObject, certificate: X509Certificate): boolean {
  const algorithm = ALGORITHMS[text(post, 'SignatureVersion')];
  const fields = SIGNED[text(post, 'Type')];
  if (algorithm === undefined || fields === undefined) return false;
  const content = fields
    .filter((name) => typeof post[name] === 'string')
    .map((name) => `${name}\n${text(post, name)}\n`)
    .join('');
  const signature = Buffer.from(text(post, 'Signature'), 'base64');
  return verify(algorithm, Buffer.from(content), certificate.publicKey, signature);
}

async function subscription(
  { logger }: Arrival['deps'],
  post: JsonObject,
  origin: string,
): Promise<Answer> {
  const topicArn = text(post, 'TopicArn');
  if (text(post, 'Type') === 'UnsubscribeConfirmation') {
    logger.warn({ topicArn }, 'SNS topic was unsubscribed; its alarms do not come here any more');
    return { status: 200, body: { status: 'success', message: 'Noted' } };
  }
  const query = new URLSearchParams({ Action: 'ConfirmSubscription', TopicArn: topicArn });
  query.set('Token', text(post, 'Token'));
  await fetched(`${origin}/?${query.toString()}`);
  logger.info({ topicArn }, 'SNS subscription confirmed');
  return { status: 200, body: { status: 'success', message: 'Subscription confirmed' } };
}
