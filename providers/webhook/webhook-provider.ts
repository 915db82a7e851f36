import { createHmac } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { isIP } from 'node:net';

import type { ProviderConfig } from '../../platform/config.ts';
import { withDeadline } from '../deadline.ts';
import { failureOfConnection, failureOfStatus, kindOfStatus } from '../http-failure.ts';
import { DeliveryError } from '../provider.ts';
import type { Provider } from '../provider.ts';
import { checkDestination } from './public-address.ts';
import type { Destination, Resolve } from './public-address.ts';

type WebhookConfig = Extract<ProviderConfig, { kind: 'webhook' }>;
interface Options {
  readonly allowedHosts: readonly string[];
  readonly resolve?: Resolve;
}

/** PagerDuty's largest v3 webhook. */
const MAX_BODY_BYTES = 262_144;

/**
 * A signed POST to a URL that a user has set: PagerDuty's v3 headers, `X-Webhook-Id` the same on every try.
 * Redirects are not followed, and nothing of the answer but its status is looked at.
 */
export function createWebhookProvider(config: WebhookConfig, options: Options): Provider {
  return {
    id: config.id,
    channels: ['webhook'],
    async send(message, key) {
      if (message.channel !== 'webhook')
        throw new DeliveryError('ConfigMissing', `A webhook does not carry ${message.channel}.`);
      const body = Buffer.from(JSON.stringify(message.body));
      if (body.length > MAX_BODY_BYTES)
        throw new DeliveryError('ProviderRejected', 'The webhook’s body is larger than 256 KB.');
      const headers = {
        'Content-Type': 'application/json',
        'Content-Length': String(body.length),
        'User-Agent': 'PagerDuty-Webhook/V3.0 (PD Lite)',
        'X-PagerDuty-Signature': signBody(message.secret, body),
        'X-Webhook-Id': key,
      };
      const abort = new AbortController();
      const work = checkDestination(message.to, options).then((destination) =>
        post(destination, headers, body, abort.signal),
      );
      await withDeadline(config.timeoutMs, work, () => abort.abort());
      return { providerId: key };
    },
    close: () => Promise.resolve(),
  };
}

/** `v1=` and the hex HMAC-SHA256 of the raw body, as PagerDuty signs. */
export function signBody(secret: string, body: Buffer): string {
  return `v1=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

async function post(
  { url, address }: Destination,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  const options = {
    method: 'POST',
    headers,
    signal,
    agent: false,
    // Connects to the address that was checked, while Host and certificate stay the name's.
    host: address,
    family: isIP(address),
    port: url.port || (url.protocol === 'https:' ? 443 : 80),
    path: url.pathname + url.search,
    setHost: false,
  } as const;
  const withHost = { ...options, headers: { ...headers, Host: url.host } };
  const request =
    url.protocol === 'https:'
      ? https.request({ ...withHost, servername: isIP(url.hostname) ? '' : url.hostname })
      : http.request(withHost);
  request.once('response', resolve).once('error', reject).end(body);
  const response = await promise.catch((error: unknown) => {
    throw failureOfConnection(error);
  });
  // The body is thrown away unread: it could be endless, and must never be shown to anybody.
  response.destroy();
  const status = response.statusCode ?? 0;
  if (status >= 200 && status <= 299) return;
  const kind = status === 404 || status === 410 ? 'InvalidDestination' : kindOfStatus(status);
  throw failureOfStatus(status, response.headers['retry-after'] ?? null, kind);
}
