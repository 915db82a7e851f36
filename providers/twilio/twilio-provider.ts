import twilio from 'twilio';

import type { ProviderConfig } from '../../platform/config.ts';
import { withDeadline } from '../deadline.ts';
import { failureOfConnection } from '../http-failure.ts';
import { DeliveryError } from '../provider.ts';
import type { Outgoing, Provider, Sent } from '../provider.ts';
import { failureOfTwilio } from './failures.ts';

type RequestOptions<T> = Parameters<typeof twilio.RequestClient.prototype.request<T>>[0];
type TwilioConfig = Extract<ProviderConfig, { kind: 'twilio' }>;

const MAX_REMEMBERED = 1000;
/** Seconds that a phone rings: below the usual first step, and before most mailboxes answer. */
const RING_SEC = 30;
const MAX_TEXT = 1600;

/**
 * Twilio's messages and calls. Twilio has no idempotency key, so the last 1,000 successes of this process
 * are remembered: a delivery that is tried again after it went well is not sent again.
 */
export function createTwilioProvider(config: TwilioConfig): Provider {
  const client = createClient(config);
  const sent = new Map<string, Sent>();
  const order = (message: Outgoing): Promise<{ sid?: string }> => {
    if (message.channel === 'sms') return client.messages.create(smsOrder(config, message));
    if (message.channel === 'voice') return client.calls.create(callOrder(config, message));
    throw new DeliveryError('ConfigMissing', `Twilio does not carry ${message.channel}.`);
  };
  return {
    id: config.id,
    channels: config.channels,
    async send(message, key) {
      const before = sent.get(key);
      if (before) return before;
      const result = await withDeadline(
        config.timeoutMs,
        attempt(() => order(message)),
      );
      sent.set(key, result);
      const [oldest] = sent.keys();
      if (sent.size > MAX_REMEMBERED && oldest !== undefined) sent.delete(oldest);
      return result;
    },
    close: () => Promise.resolve(),
  };
}

async function attempt(order: () => Promise<{ sid?: string }>): Promise<Sent> {
  let sid: unknown;
  try {
    ({ sid } = await order());
  } catch (error) {
    throw failureOfTwilio(error) ?? failureOfConnection(error);
  }
  if (typeof sid !== 'string' || !/^(SM|MM|CA)[0-9a-fA-F]{32}$/.test(sid))
    throw new DeliveryError('ProviderUnavailable', 'The provider’s answer has no id.');
  return { providerId: sid };
}

function smsOrder(config: TwilioConfig, message: Extract<Outgoing, { channel: 'sms' }>) {
  const { statusCallback } = message;
  return {
    to: message.to,
    from: config.from,
    body: message.text.slice(0, MAX_TEXT),
    ...(statusCallback === null ? {} : { statusCallback }),
  };
}

function callOrder(config: TwilioConfig, message: Extract<Outgoing, { channel: 'voice' }>) {
  const { statusCallback } = message;
  return {
    to: message.to,
    from: config.from,
    url: message.answerUrl,
    timeout: RING_SEC,
    machineDetection: 'Enable',
    ...(statusCallback === null
      ? {}
      : { statusCallback, statusCallbackEvent: ['initiated', 'ringing', 'answered', 'completed'] }),
  };
}

function createClient(config: TwilioConfig) {
  const base = new URL(config.baseUrl);
  const httpClient = new RebasedClient(base, config.timeoutMs);
  return twilio(config.accountSid, config.authToken, {
    httpClient,
    autoRetry: false,
    lazyLoading: true,
  });
}

/** Sends every request to the configured origin and path prefix instead of api.twilio.com. */
class RebasedClient extends twilio.RequestClient {
  readonly #base: URL;
  constructor(base: URL, timeout: number) {
    super({ timeout, autoRetry: false });
    this.#base = base;
  }

  override request<TData>(options: RequestOptions<TData>) {
    const { pathname, search } = new URL(options.uri);
    const uri = this.#base.origin + this.#base.pathname.replace(/\/$/, '') + pathname + search;
    // `debug` would print numbers and texts.
    return super.request<TData>({ ...options, uri, logLevel: 'none', allowRedirects: false });
  }
}
