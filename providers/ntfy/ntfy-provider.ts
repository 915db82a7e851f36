import { createHash } from 'node:crypto';

import type { ProviderConfig } from '../../platform/config.ts';
import { withDeadline } from '../deadline.ts';
import { failureOfConnection, failureOfStatus } from '../http-failure.ts';
import { DeliveryError } from '../provider.ts';
import type { Outgoing, Provider, Sent } from '../provider.ts';
import { readBounded } from '../read-bounded.ts';

type NtfyConfig = Extract<ProviderConfig, { kind: 'ntfy' }>;
type Push = Extract<Outgoing, { channel: 'push' }>;

/** ntfy takes three buttons, and makes an attachment of a text above 4,096 bytes. */
const MAX_ACTIONS = 3;
const MAX_TEXT_BYTES = 4000;

/** Push notifications by ntfy's JSON publishing. A second try replaces the first on the phone. */
export function createNtfyProvider(config: NtfyConfig): Provider {
  return {
    id: config.id,
    channels: ['push'],
    async send(message, key) {
      if (message.channel !== 'push')
        throw new DeliveryError('ConfigMissing', `ntfy does not carry ${message.channel}.`);
      const abort = new AbortController();
      const work = publish(config, publication(message, key), abort.signal);
      return withDeadline(config.timeoutMs, work, () => abort.abort());
    },
    check: async () => {
      const abort = new AbortController();
      await withDeadline(config.timeoutMs, ask(config, abort.signal), () => abort.abort());
    },
    close: () => Promise.resolve(),
  };
}

/** ntfy's own health page. */
async function ask(config: NtfyConfig, signal: AbortSignal): Promise<void> {
  const url = `${config.baseUrl.replace(/\/$/, '')}/v1/health`;
  const response = await fetch(url, { redirect: 'manual', signal }).catch((error: unknown) => {
    throw failureOfConnection(error);
  });
  void response.body?.cancel().catch(() => undefined);
  if (!response.ok) throw failureOfStatus(response.status, null);
}

async function publish(config: NtfyConfig, body: object, signal: AbortSignal): Promise<Sent> {
  let answer: { status: number; retryAfter: string | null; text: string };
  try {
    const response = await fetch(`${config.baseUrl.replace(/\/$/, '')}/`, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        'Content-Type': 'application/json',
        ...(config.token === undefined ? {} : { Authorization: `Bearer ${config.token}` }),
      },
      body: JSON.stringify(body),
      signal,
    });
    const text = await readBounded(response);
    answer = { status: response.status, retryAfter: response.headers.get('Retry-After'), text };
  } catch (error) {
    throw failureOfConnection(error);
  }
  if (answer.status < 200 || answer.status > 299)
    throw failureOfStatus(answer.status, answer.retryAfter);
  return { providerId: idIn(answer.text) };
}

function publication(message: Push, key: string): object {
  return {
    topic: message.to,
    title: message.title,
    message: cut(message.text),
    priority: message.urgent ? 5 : 3,
    tags: [message.urgent ? 'rotating_light' : 'bell'],
    sequence_id: createHash('sha256').update(key).digest('hex').slice(0, 32),
    actions: message.actions.slice(0, MAX_ACTIONS).map(({ label, url }) => ({
      ...{ action: 'http', label, url, method: 'POST', clear: true },
      headers: { Accept: 'application/json' },
    })),
  };
}

/** At most 4,000 bytes, never in the middle of a character. */
function cut(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_TEXT_BYTES) return text;
  return (
    bytes
      .subarray(0, MAX_TEXT_BYTES)
      .toString()
      .replace(/\uFFFD+$/, '') + '…'
  );
}

function idIn(text: string): string {
  try {
    const answer: unknown = JSON.parse(text);
    if (
      typeof answer === 'object' &&
      answer !== null &&
      'id' in answer &&
      typeof answer.id === 'string'
    )
      return answer.id.slice(0, 100);
  } catch {
    // Told below: whatever answered, it was no ntfy.
  }
  throw new DeliveryError('ProviderUnavailable', 'The provider’s answer cannot be read.');
}
