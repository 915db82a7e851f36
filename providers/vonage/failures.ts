import { failureOfStatus, kindOfStatus } from '../http-failure.ts';
import type { DeliveryError, FailureKind } from '../provider.ts';

/** Codes at the end of an error's `type` that say more than the HTTP status (developer.vonage.com/api-errors/messages). */
const KINDS: Readonly<Record<string, FailureKind>> = {
  1000: 'RateLimited', // throttled
  1050: 'InvalidDestination', // number barred
  1060: 'AuthFailed', // account barred
  1070: 'AuthFailed', // no credit left
  1110: 'ConfigMissing', // the sender cannot be used
  1120: 'ConfigMissing', // illegal sender
  1160: 'ProviderRejected', // destination not allowed for this account
  1170: 'InvalidDestination', // no such number
  1240: 'InvalidDestination', // illegal number
  1420: 'ConfigMissing', // invalid sender
};

/** What an answer other than 2xx means. Never repeats the vendor's own words, which hold the number. */
export function failureOfVonage(
  status: number,
  retryAfter: string | null,
  body: string,
): DeliveryError {
  const { code, wrong } = readError(body);
  const named = code === null ? undefined : KINDS[code];
  return failureOfStatus(status, retryAfter, named ?? kindOfWrong(wrong) ?? kindOfStatus(status));
}

/** By the parameters that the vendor found wrong. */
function kindOfWrong(names: readonly string[]): FailureKind | undefined {
  if (names.some((name) => /^to\b/.test(name))) return 'InvalidDestination';
  return names.some((name) => /^from\b/.test(name)) ? 'ConfigMissing' : undefined;
}

/** The two forms of the vendor's problem documents: Messages lists names, Voice has them as keys. */
function readError(body: string): {
  readonly code: string | null;
  readonly wrong: readonly string[];
} {
  const document = parse(body);
  const type = field(document, 'type');
  const wrong = field(document, 'invalid_parameters');
  return {
    code: typeof type === 'string' ? (/#(\d{4})$/.exec(type)?.[1] ?? null) : null,
    wrong: namesOf(wrong),
  };
}

function namesOf(wrong: unknown): readonly string[] {
  if (typeof wrong !== 'object' || wrong === null) return [];
  const items: readonly unknown[] = Array.isArray(wrong) ? wrong : [wrong];
  const named = items.map((item) => field(item, 'name')).filter((name) => typeof name === 'string');
  return named.length > 0 ? named : Object.keys(wrong);
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return (value as Readonly<Record<string, unknown>>)[name];
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return null;
  }
}
