import twilio from 'twilio';

import type { Channel } from '../../domain/model.ts';
import type { ReceiptState } from '../../domain/receipt.ts';
import type { ProviderConfig } from '../../platform/config.ts';
import { withDeadline } from '../deadline.ts';
import { failureOfConnection, failureOfStatus } from '../http-failure.ts';
import { sendOnce } from '../once.ts';
import { DeliveryError } from '../provider.ts';
import type { Callbacks, Outgoing, Provider, Sent } from '../provider.ts';
import { failureOfTwilio } from './failures.ts';
import { goodbyeTwiml, TWILIO_PATH } from './inbound.ts';
import { callReceipt, messageReceipt } from './receipts.ts';

type RequestOptions<T> = Parameters<typeof twilio.RequestClient.prototype.request<T>>[0];
type TwilioConfig = Extract<ProviderConfig, { kind: 'twilio' }>;

/** Seconds that a phone rings: below the usual first step, and before most mailboxes answer. */
const RING_SEC = 30;
const MAX_TEXT = 1600;

/** Twilio's messages and calls. Twilio has no idempotency key. */
export function createTwilioProvider(config: TwilioConfig): Provider {
  const client = createClient(config);
  const once = sendOnce();
  const order = async (message: Outgoing): Promise<{ sid?: string }> => {
    if (message.channel === 'sms') return client.messages.create(smsOrder(config, message));
    if (message.channel === 'voice') return client.calls.create(callOrder(config, message));
    throw new DeliveryError('ConfigMissing', `Twilio does not carry ${message.channel}.`);
  };
  const receipt = async (channel: Channel, id: string): Promise<ReceiptState | null> => {
    if (channel === 'voice') {
      const call = await client.calls(id).fetch();
      return callReceipt(call.status, call.answeredBy);
    }
    const message = await client.messages(id).fetch();
    return messageReceipt(message.status, message.errorCode);
  };
  return {
    id: config.id,
    channels: config.channels,
    receipt: (channel, id) =>
      withDeadline(
        config.timeoutMs,
        answered(() => receipt(channel, id)),
      ),
    check: async (channel) => {
      const list = () =>
        channel === 'voice'
          ? client.calls.page({ pageSize: 1 })
          : client.messages.page({ pageSize: 1 });
      await withDeadline(config.timeoutMs, answered<unknown>(list));
    },
    send: (message, key) =>
      once(key, () =>
        withDeadline(
          config.timeoutMs,
          attempt(() => order(message)),
        ),
      ),
    close: () => Promise.resolve(),
  };
}

async function attempt(order: () => Promise<{ sid?: string }>): Promise<Sent> {
  const { sid }: { sid?: unknown } = await answered(order);
  if (typeof sid !== 'string' || !/^(SM|MM|CA)[0-9a-fA-F]{32}$/.test(sid))
    throw new DeliveryError('ProviderUnavailable', 'The provider’s answer has no id.');
  return { providerId: sid };
}

/** What Twilio answers, or a DeliveryError. */
async function answered<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw failureOfTwilio(error) ?? failureOfConnection(error);
  }
}

function smsOrder(config: TwilioConfig, message: Extract<Outgoing, { channel: 'sms' }>) {
  const { callbacks } = message;
  return {
    to: message.to,
    from: config.from,
    body: message.text.slice(0, MAX_TEXT),
    ...(callbacks === null ? {} : { statusCallback: statusUrl(callbacks, 'sms') }),
  };
}

function callOrder(config: TwilioConfig, message: Extract<Outgoing, { channel: 'voice' }>) {
  const { speech, to } = message;
  const common = { to, from: config.from, timeout: RING_SEC };
  if ('words' in speech)
    return { ...common, twiml: goodbyeTwiml(`${speech.words} ${speech.words}`) };
  const { script, callbacks } = speech;
  return {
    ...common,
    url: `${callbacks.publicUrl}${TWILIO_PATH}/voice/${script}`,
    machineDetection: 'Enable',
    statusCallback: statusUrl(callbacks, 'voice'),
    // Where nobody waits, the last report alone is enough: Twilio's default.
    ...(callbacks.deliveryId === null
      ? {}
      : { statusCallbackEvent: ['initiated', 'ringing', 'answered', 'completed'] }),
  };
}

/** Where Twilio reports; the fragment sets connect limit, retries, and when to retry. */
function statusUrl({ publicUrl, deliveryId }: Callbacks, channel: 'sms' | 'voice'): string {
  const query = deliveryId === null ? '' : `?delivery=${encodeURIComponent(deliveryId)}`;
  return `${publicUrl}${TWILIO_PATH}/status/${channel}${query}#ct=3000&rc=5&rp=all`;
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

  /** @throws DeliveryError for an answer that names a pause: the library would forget the pause. */
  override async request<TData>(options: RequestOptions<TData>) {
    const { pathname, search } = new URL(options.uri);
    const uri = this.#base.origin + this.#base.pathname.replace(/\/$/, '') + pathname + search;
    // `debug` would print numbers and texts.
    const rebased = { ...options, uri, logLevel: 'none', allowRedirects: false } as const;
    const response = await super.request<TData>(rebased);
    const { statusCode, headers } = response as { statusCode: number; headers?: unknown };
    const pause = retryAfterOf(headers);
    if (pause !== null && [429, 503].includes(statusCode)) throw failureOfStatus(statusCode, pause);
    return response;
  }
}

function retryAfterOf(headers: unknown): string | null {
  if (typeof headers !== 'object' || headers === null || !('retry-after' in headers)) return null;
  return typeof headers['retry-after'] === 'string' ? headers['retry-after'] : null;
}
