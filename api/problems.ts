import type { Answer } from './route.ts';

/** One problem of our own, answered as RFC 9457 `application/problem+json`. */
interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  /** Seconds after which a retry makes sense; sent as `Retry-After`. */
  readonly retryAfterSec: number;
}

/** Every problem that is PD Lite's own; docs/errors.md has a line for each. The type is `urn:pdlite:problem:{name}`. */
export const PROBLEMS = {
  'database-read-only': {
    status: 503,
    title: 'The database is read-only',
    detail: 'Nothing was changed. Alerts, pages and answers go on working; changes wait.',
    retryAfterSec: 30,
  },
  'database-unavailable': {
    status: 503,
    title: 'The database is not reachable',
    detail: 'Nothing was changed. Alerts, pages and answers go on working.',
    retryAfterSec: 10,
  },
  'database-busy': {
    status: 503,
    title: 'Another change stood in the way',
    detail: 'Nothing was changed. The same request may well succeed.',
    retryAfterSec: 1,
  },
  'database-outcome-unknown': {
    status: 503,
    title: 'The database was lost while it kept the change',
    detail: 'The change is either whole or not there. Look before asking again.',
    retryAfterSec: 10,
  },
  'temporal-unavailable': {
    status: 503,
    title: 'The workflow engine is not reachable',
    detail: 'It is not known whether the request took effect. Ask again.',
    retryAfterSec: 5,
  },
} as const satisfies Record<string, Problem>;

export type ProblemName = keyof typeof PROBLEMS;

/** The answer for one of our own problems. */
export function problemAnswer(name: ProblemName, requestId: string): Answer {
  const { status, title, detail, retryAfterSec } = PROBLEMS[name];
  return {
    status,
    body: { type: `urn:pdlite:problem:${name}`, title, status, detail, instance: requestId },
    headers: {
      'content-type': 'application/problem+json',
      'retry-after': String(retryAfterSec),
    },
  };
}

/** PagerDuty's REST errors that the api answers for every route; docs/errors.md has a line for each. */
export const REST_ERRORS = {
  invalidInput: { status: 400, code: 2001, message: 'Invalid Input Provided' },
  requesterNotFound: { status: 400, code: 1008, message: 'Requester User Not Found' },
  authenticationFailed: { status: 401, code: 2006, message: 'Authentication failed' },
  accessDenied: { status: 403, code: 2010, message: 'Access Denied' },
  notFound: { status: 404, code: 2100, message: 'Not Found' },
  methodNotAllowed: { status: 405, code: 2100, message: 'Method Not Allowed' },
  tooLarge: { status: 413, code: 2001, message: 'Request Entity Too Large' },
  idempotencyKeyReused: { status: 422, code: 2001, message: 'Invalid Input Provided' },
  rateLimited: { status: 429, code: 2020, message: 'Rate Limit Exceeded' },
  internal: { status: 500, code: 2000, message: 'Internal Server Error' },
} as const;
