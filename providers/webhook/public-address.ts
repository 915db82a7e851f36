import { lookup } from 'node:dns/promises';

import ipaddr from 'ipaddr.js';

import { DeliveryError } from '../provider.ts';

export type Resolve = (host: string) => Promise<readonly { address: string; family: number }[]>;

/** Where a webhook may go: the address is the one that was checked, so that a later look-up cannot change it. */
export interface Destination {
  readonly url: URL;
  readonly address: string;
}

interface Rules {
  /** Hosts, or host:port, that may be private or not https. */
  readonly allowedHosts: readonly string[];
  readonly resolve?: Resolve;
}

/**
 * Checks where a webhook would go: https, no credentials in the URL, and a host of which every address is
 * public. Hosts that the operator allows may be anything, over http too.
 * @throws DeliveryError InvalidDestination, that names neither the URL nor the address.
 */
export async function checkDestination(target: string, rules: Rules): Promise<Destination> {
  const url = URL.parse(target);
  if (!url || target.length > 2000) throw refused('is not a URL');
  if (url.username || url.password) throw refused('holds credentials');
  const allowed = isAllowed(url, rules.allowedHosts);
  if (url.protocol !== 'https:' && !(allowed && url.protocol === 'http:'))
    throw refused('is not https');
  const addresses = await resolveAll(url, rules.resolve ?? defaultResolve);
  if (!allowed && !addresses.every(isPublic))
    throw refused('leads to an address that is not public');
  const [address] = addresses;
  if (address === undefined)
    throw new DeliveryError('ProviderUnavailable', 'The webhook’s host has no address.');
  return { url, address };
}

/** Whether packets to this address go to the internet; also looks into addresses that wrap another. */
export function isPublic(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.process(text);
  if (address.range() !== 'unicast') return false;
  // ipaddr.js takes all of 2000::/3 and beyond for unicast; only that eighth is given out.
  return address.kind() === 'ipv4' || (address.toByteArray()[0] ?? 0) >> 5 === 1;
}

function isAllowed(url: URL, allowedHosts: readonly string[]): boolean {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return allowedHosts.some((host) => host === url.hostname || host === `${url.hostname}:${port}`);
}

async function resolveAll(url: URL, resolve: Resolve): Promise<readonly string[]> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (ipaddr.isValid(host)) return [host];
  try {
    return (await resolve(host)).map(({ address }) => address);
  } catch {
    throw new DeliveryError('ProviderUnavailable', 'The webhook’s host has no address.');
  }
}

function defaultResolve(host: string) {
  return lookup(host, { all: true, order: 'verbatim' });
}

function refused(why: string): DeliveryError {
  return new DeliveryError('InvalidDestination', `The webhook’s URL ${why}.`);
}
