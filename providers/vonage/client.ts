import { Vonage } from '@vonage/server-sdk';

import type { ProviderConfig } from '../../platform/config.ts';
import { failureOfConnection } from '../http-failure.ts';
import { DeliveryError } from '../provider.ts';
import { readBounded } from '../read-bounded.ts';
import { failureOfVonage } from './failures.ts';

export type VonageConfig = Extract<ProviderConfig, { kind: 'vonage' }>;

/** One of the library's clients, as far as its way out to the network goes. */
type Sending = Pick<Vonage['messages'], 'sendRequest' | 'addAuthenticationToRequest'>;
type Request = Parameters<Sending['sendRequest']>[0];

/**
 * The vendor's library with the configured hosts, its way to the network replaced: the library follows redirects,
 * reads answers of any length and forgets `Retry-After`. Its calls reject with a DeliveryError.
 */
export function createVonageClient(config: VonageConfig): Vonage {
  const { apiKey, apiSecret, applicationId, privateKey } = config;
  const hosts = { apiHost: trimmed(config.apiUrl), restHost: trimmed(config.restUrl) };
  const vonage = new Vonage({ apiKey, apiSecret, applicationId, privateKey }, hosts);
  for (const client of [vonage.messages, vonage.voice, vonage.reports, vonage.accounts])
    guard(client, config.timeoutMs);
  return vonage;
}

function guard(client: Sending, timeoutMs: number): void {
  client.sendRequest = async (given) => {
    const request = await client.addAuthenticationToRequest(given).catch(() => {
      throw new DeliveryError('ConfigMissing', 'The private key or the API secret cannot be used.');
    });
    const { status, statusText, retryAfter, text } = await exchange(request, timeoutMs);
    if (status < 200 || status > 299) throw failureOfVonage(status, retryAfter, text);
    // The library types answers by what was asked; whoever asked looks at them again.
    const data = read(text) as never;
    return { data, status, statusText, config: request, request, headers: {} };
  };
}

async function exchange(request: Request, timeoutMs: number) {
  try {
    const url = new URL(request.url);
    for (const [name, value] of Object.entries(request.params ?? {}))
      url.searchParams.set(name, String(value));
    const response = await fetch(url, {
      method: request.method,
      redirect: 'manual',
      headers: { ...request.headers, 'Content-Type': 'application/json', 'User-Agent': 'PD Lite' },
      ...(request.data === undefined ? {} : { body: JSON.stringify(request.data) }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const { status, statusText, headers } = response;
    const text = await readBounded(response);
    return { status, statusText, retryAfter: headers.get('Retry-After'), text };
  } catch (error) {
    throw failureOfConnection(error);
  }
}

function read(text: string): object {
  try {
    const data: unknown = JSON.parse(text);
    if (typeof data === 'object' && data !== null) return data;
  } catch {
    // Told below: whatever answered, it was not the vendor.
  }
  throw new DeliveryError('ProviderUnavailable', 'The provider’s answer cannot be read.');
}

function trimmed(url: string): string {
  return url.replace(/\/+$/, '');
}
