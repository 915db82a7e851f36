import { DeliveryError } from './provider.ts';
import type { FailureKind } from './provider.ts';

const MAX_RETRY_AFTER_MS = 3_600_000;

/** What an HTTP status other than 2xx means, unless the vendor's own error code says more. */
export function kindOfStatus(status: number): FailureKind {
  if (status === 401 || status === 403) return 'AuthFailed';
  if (status === 408) return 'Timeout';
  if (status === 429) return 'RateLimited';
  // A redirect is never followed: it would carry the message to where nobody configured it.
  return status >= 400 && status < 500 ? 'ProviderRejected' : 'ProviderUnavailable';
}

/** The error for an HTTP answer. Holds the status only: a body could repeat what was sent. */
export function failureOfStatus(
  status: number,
  retryAfter: string | null,
  kind: FailureKind = kindOfStatus(status),
): DeliveryError {
  const retryAfterMs = parseRetryAfter(retryAfter);
  return new DeliveryError(
    kind,
    `The provider answered ${status}.`,
    retryAfterMs === null ? {} : { retryAfterMs },
  );
}

/** The error for a request that got no answer. The cause is left out: it can hold the URL. */
export function failureOfConnection(error: unknown): DeliveryError {
  if (error instanceof DeliveryError) return error;
  const code = codeOf(error);
  const timeout = ['ECONNABORTED', 'ETIMEDOUT', 'ABORT_ERR', 'UND_ERR_HEADERS_TIMEOUT'];
  const kind = timeout.includes(code) || isAbort(error) ? 'Timeout' : 'ProviderUnavailable';
  return new DeliveryError(kind, `The provider gave no answer${code && ` (${code})`}.`);
}

/** Node's or a library's error code, of the error or its cause; empty when there is none. */
export function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  const code = 'code' in error ? error.code : undefined;
  if (typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code)) return code;
  return 'cause' in error ? codeOf(error.cause) : '';
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError');
}

/** Seconds, as vendors send it; an hour at most. A date is taken for no advice. */
function parseRetryAfter(value: string | null): number | null {
  if (value === null || !/^\d{1,9}$/.test(value.trim())) return null;
  return Math.min(Number(value) * 1000, MAX_RETRY_AFTER_MS);
}
