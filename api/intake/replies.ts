import type { Answer } from '../route.ts';

/** What became of a body that was taken. */
export interface Taken {
  /** One for each event, in their order; empty for a change event. */
  readonly dedupKeys: readonly string[];
  /** What a lenient integration let pass. */
  readonly warnings: readonly string[];
}

/** How one door says what happened, in the words that its senders understand. All bodies are JSON. */
export interface Replies {
  taken(taken: Taken): Answer;
  /** Not an object of JSON at all. */
  unrecognised(error: string): Answer;
  invalid(errors: readonly string[]): Answer;
  unknownKey(): Answer;
  tooLarge(): Answer;
  /** The integration's own limit. Seconds until it has room again. */
  rateLimited(retryAfterSec: number): Answer;
  /** We are saturated. */
  overloaded(retryAfterSec: number): Answer;
  /** What stores events is not reachable. */
  unavailable(retryAfterSec: number): Answer;
  /** A mistake of ours. */
  failed(): Answer;
}

const INVALID = { status: 'invalid event', message: 'Event object is invalid' };
const TOO_LARGE = 'Event exceeds the size limit of 512 KB';
const THROTTLED = {
  status: 'throttle exceeded',
  message: 'Requests for this service are arriving too quickly.  Please retry later.',
};

interface PagerDutyDialect {
  readonly success: number;
  /** Name of the dedup key in the answer; null where it has none. */
  readonly keyName: string | null;
  readonly throttle: number;
  readonly unknownKey: string;
}

/** PagerDuty's Events API, v1 and v2, byte for byte. */
function pagerDutyReplies(dialect: PagerDutyDialect): Replies {
  const invalid = (errors: readonly string[], status = 400): Answer => ({
    status,
    body: { ...INVALID, errors },
  });
  return {
    taken: ({ dedupKeys, warnings }) => ({
      status: dialect.success,
      body: {
        status: 'success',
        message: 'Event processed',
        ...(dialect.keyName === null ? {} : { [dialect.keyName]: dedupKeys[0] }),
        ...(warnings.length > 0 ? { warnings } : {}),
      },
    }),
    unrecognised: (error) => ({
      status: 400,
      body: {
        status: 'Unrecognized object',
        message: 'Event object format is unrecognized',
        errors: [error],
      },
    }),
    invalid,
    unknownKey: () => invalid([dialect.unknownKey]),
    tooLarge: () => invalid([TOO_LARGE], 413),
    rateLimited: (seconds) => later(dialect.throttle, THROTTLED, seconds),
    overloaded: (seconds) => later(503, THROTTLED, seconds),
    unavailable: (seconds) => later(503, unavailableBody(), seconds),
    failed: () => ({ status: 500, body: failedBody() }),
  };
}

/** `POST /v2/enqueue` */
export const EVENTS_V2_REPLIES = pagerDutyReplies({
  success: 202,
  keyName: 'dedup_key',
  throttle: 429,
  unknownKey: 'Invalid routing key',
});

/** `POST /v2/change/enqueue` */
export const CHANGE_V2_REPLIES = pagerDutyReplies({
  success: 202,
  keyName: null,
  throttle: 429,
  unknownKey: 'Invalid routing key',
});

/** Events v1: throttling is 403 there, and overload a 5xx, which its senders retry. */
export const EVENTS_V1_REPLIES = pagerDutyReplies({
  success: 200,
  keyName: 'incident_key',
  throttle: 403,
  unknownKey: 'Invalid service key',
});

/** Alertmanager and generic JSON: their senders retry 5xx only, so whatever may be sent again is a 503. */
export const WEBHOOK_REPLIES: Replies = {
  taken: ({ dedupKeys, warnings }) => ({
    status: 202,
    body: {
      status: 'success',
      message: 'Event processed',
      dedup_keys: dedupKeys,
      ...(warnings.length > 0 ? { warnings } : {}),
    },
  }),
  unrecognised: (error) => ({
    status: 400,
    body: { status: 'error', message: 'The body is not readable', errors: [error] },
  }),
  invalid: (errors) => ({
    status: 400,
    body: { status: 'error', message: 'The body is invalid', errors },
  }),
  unknownKey: () => ({
    status: 401,
    body: {
      status: 'error',
      message: 'The integration key is missing or unknown',
      errors: ['Invalid integration key'],
    },
    headers: { 'www-authenticate': 'Bearer' },
  }),
  tooLarge: () => ({
    status: 413,
    body: { status: 'error', message: 'The body is too large', errors: [TOO_LARGE] },
  }),
  rateLimited: (seconds) => later(503, THROTTLED, seconds),
  overloaded: (seconds) => later(503, THROTTLED, seconds),
  unavailable: (seconds) => later(503, unavailableBody(), seconds),
  failed: () => ({ status: 500, body: failedBody() }),
};

function later(status: number, body: { message: string }, seconds: number): Answer {
  return {
    status,
    body: { ...body, errors: [body.message] },
    headers: { 'retry-after': String(Math.max(1, Math.ceil(seconds))) },
  };
}

function unavailableBody() {
  return { status: 'error', message: 'The event was not stored. Please send it again.' };
}

function failedBody() {
  const message = 'Internal error. Please send the event again.';
  return { status: 'error', message, errors: [message] };
}
