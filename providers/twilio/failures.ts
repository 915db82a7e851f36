import { kindOfStatus } from '../http-failure.ts';
import { DeliveryError } from '../provider.ts';
import type { FailureKind } from '../provider.ts';

/** Twilio's error codes that say more than the HTTP status (twilio.com/docs/api/errors). */
const KINDS: Readonly<Record<number, FailureKind>> = {
  13223: 'InvalidDestination', // To of a call is no phone number
  13224: 'InvalidDestination',
  20003: 'AuthFailed',
  20429: 'RateLimited',
  21210: 'ConfigMissing', // From is not ours
  21211: 'InvalidDestination',
  21212: 'ConfigMissing',
  21215: 'ProviderRejected', // the account may not call this country
  21217: 'InvalidDestination',
  21401: 'InvalidDestination',
  21408: 'ProviderRejected', // the account may not text this country
  21603: 'ConfigMissing',
  21606: 'ConfigMissing', // From cannot send texts
  21610: 'InvalidDestination', // the person wrote STOP
  21611: 'RateLimited', // the sender's queue is full
  21612: 'ProviderRejected', // no route from this sender to this number
  21614: 'InvalidDestination', // no mobile number
  30001: 'RateLimited',
  30003: 'ProviderUnavailable', // unreachable now
  30004: 'InvalidDestination',
  30005: 'InvalidDestination',
  30006: 'InvalidDestination',
  30007: 'ProviderRejected',
  30008: 'ProviderUnavailable',
};

/** What an answer of Twilio means; null when there was no answer. Never repeats the vendor's own words. */
export function failureOfTwilio(error: unknown): DeliveryError | null {
  if (error instanceof SyntaxError)
    return new DeliveryError('ProviderUnavailable', 'The provider’s answer cannot be read.');
  if (typeof error !== 'object' || error === null || !('status' in error)) return null;
  if (typeof error.status !== 'number') return null;
  const code = 'code' in error && typeof error.code === 'number' ? error.code : null;
  const kind = (code === null ? undefined : KINDS[code]) ?? kindOfStatus(error.status);
  const detail = code === null ? '' : ` with error ${code}`;
  return new DeliveryError(kind, `The provider answered ${error.status}${detail}.`);
}
