import type { Vonage } from '@vonage/server-sdk';

import type { Channel } from '../../domain/model.ts';
import type { ReceiptState } from '../../domain/receipt.ts';
import { withDeadline } from '../deadline.ts';
import { sendOnce } from '../once.ts';
import { DeliveryError } from '../provider.ts';
import type { Outgoing, Provider, Sent } from '../provider.ts';
import { createVonageClient } from './client.ts';
import type { VonageConfig } from './client.ts';
import { VONAGE_PATH } from './inbound.ts';
import { callReceipt, messageReceipt } from './receipts.ts';

/** Seconds that a phone rings: below the usual first step, and before most mailboxes answer. */
const RING_SEC = 30;
/** Seconds after which a call is over: long enough to hear everything twice and press a key. */
const CALL_SEC = 600;
const MAX_TEXT = 1000;
/** Longest reference that the vendor gives back with its reports. */
const MAX_REFERENCE = 100;
const UUID = /^[0-9a-fA-F-]{32,40}$/;

/** Vonage's Messages API for texts and Voice API for calls, each authenticated by a token of the application. */
export function createVonageProvider(config: VonageConfig): Provider {
  const client = createVonageClient(config);
  const once = sendOnce();
  return {
    id: config.id,
    channels: config.channels,
    send: (message, key) =>
      once(key, () => withDeadline(config.timeoutMs, order(client, config, message))),
    receipt: (channel, id) => withDeadline(config.timeoutMs, receipt(client, config, channel, id)),
    check: (channel) => withDeadline(config.timeoutMs, check(client, config, channel)),
    close: () => Promise.resolve(),
  };
}

async function order(client: Vonage, config: VonageConfig, message: Outgoing): Promise<Sent> {
  if (message.channel === 'sms') {
    const { messageUUID } = await client.messages.send(smsOrder(config, message));
    return sent(messageUUID);
  }
  if (message.channel === 'voice') {
    const url = `${config.apiUrl.replace(/\/+$/, '')}/v1/calls`;
    const { data } = await client.voice.sendPostRequest<Answer>(url, callOrder(config, message));
    return sent(data['uuid']);
  }
  throw new DeliveryError('ConfigMissing', `Vonage does not carry ${message.channel}.`);
}

type Answer = Readonly<Record<string, unknown>>;

function sent(id: unknown): Sent {
  if (typeof id === 'string' && UUID.test(id)) return { providerId: id };
  throw new DeliveryError('ProviderUnavailable', 'The provider’s answer has no id.');
}

function smsOrder(config: VonageConfig, message: Extract<Outgoing, { channel: 'sms' }>) {
  const { callbacks, to, text } = message;
  const reference = callbacks?.deliveryId ?? null;
  return {
    ...{ messageType: 'text', channel: 'sms', to: digits(to), from: digits(config.from) },
    text: text.slice(0, MAX_TEXT),
    ...(reference === null || reference.length > MAX_REFERENCE ? {} : { clientRef: reference }),
    ...(callbacks === null
      ? {}
      : {
          webhookUrl: `${callbacks.publicUrl}${VONAGE_PATH}/status`,
          webhookVersion: 'v1' as const,
        }),
  };
}

function callOrder(config: VonageConfig, message: Extract<Outgoing, { channel: 'voice' }>) {
  const { speech, to } = message;
  const common = {
    to: [{ type: 'phone', number: digits(to) }],
    from: { type: 'phone', number: digits(config.from) },
    ringing_timer: RING_SEC,
    length_timer: CALL_SEC,
  };
  if ('words' in speech)
    return { ...common, ncco: [{ action: 'talk', text: speech.words, loop: 2 }] };
  const { script, callbacks } = speech;
  const url = `${callbacks.publicUrl}${VONAGE_PATH}/voice/${script}`;
  return {
    ...common,
    answer_url: [url],
    answer_method: 'POST',
    event_url: [`${url}/events${callbacks.deliveryId === null ? '' : '?report=1'}`],
    event_method: 'POST',
    // A mailbox hears the message too; that it was one is reported.
    machine_detection: 'continue',
  };
}

/** Calls can be asked for one by one, messages through the reports of the account. */
async function receipt(
  client: Vonage,
  config: VonageConfig,
  channel: Channel,
  id: string,
): Promise<ReceiptState | null> {
  const api = config.apiUrl.replace(/\/+$/, '');
  if (channel === 'voice') {
    const { data } = await client.voice.sendGetRequest<Answer>(`${api}/v1/calls/${id}`);
    return callReceipt(text(data['status']));
  }
  const query = { account_id: config.apiKey, product: 'MESSAGES', direction: 'outbound', id };
  const url = `${api}/v2/reports/records`;
  const { data } = await client.reports.sendGetRequest<Answer>(url, query);
  const records: readonly unknown[] = Array.isArray(data['records']) ? data['records'] : [];
  const record = records.find((one): one is Answer => typeof one === 'object' && one !== null);
  return record === undefined
    ? null
    : messageReceipt(text(record['status']), text(record['error_code']));
}

async function check(client: Vonage, config: VonageConfig, channel: Channel): Promise<void> {
  const api = config.apiUrl.replace(/\/+$/, '');
  if (channel === 'voice') await client.voice.sendGetRequest(`${api}/v1/calls`, { page_size: 1 });
  else await client.accounts.getBalance();
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** Vonage wants E.164 without the plus. */
function digits(number: string): string {
  return number.replace(/^\+/, '');
}
