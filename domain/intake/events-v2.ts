import type { AlertEvent, AlertPayload } from '../event.ts';
import type { Severity } from '../model.ts';
import {
  cutText,
  isLonger,
  isObject,
  isoTimestamp,
  optionalText,
  readDedupKey,
  readImages,
  readLinks,
  safeUrl,
  scalarText,
  type JsonObject,
} from './fields.ts';
import { fitEvent } from './fit.ts';
import { KEY_LENGTH, MAX_SUMMARY, MAX_TEXT } from './limits.ts';
import { Problems } from './problems.ts';
import { isSeverity, severityOfWord } from './severity.ts';
import type { Normalised, NormalisedChange } from './types.ts';

const ACTIONS: readonly unknown[] = ['trigger', 'acknowledge', 'resolve'];

/** What is wrong with a routing key as text, in PagerDuty's words; null when it has the right form. */
export function routingKeyError(key: unknown): string | null {
  if (scalarText(key) === null) return "'routing_key' is missing or blank";
  return typeof key === 'string' && key.length === KEY_LENGTH
    ? null
    : `Length of 'routing_key' is incorrect (should be ${KEY_LENGTH} characters)`;
}

/**
 * PagerDuty's Events API v2 without the routing key, with PagerDuty's error texts (`maiximum` is theirs).
 * Unknown keys and a payload on acknowledge and resolve are let pass.
 */
export function normaliseEventsV2(body: JsonObject, lenient: boolean): Normalised {
  const problems = new Problems();
  const action = readAction(body['event_action'], problems);
  const dedupKey = readDedupKey(body['dedup_key'], 'dedup_key', problems);
  if (action !== 'trigger' && dedupKey === null) {
    problems.fatal("'dedup_key' is missing or blank");
  }
  const event = {
    action,
    dedupKey,
    payload: action === 'trigger' ? readPayload(body['payload'], problems) : null,
    client: optionalText(body['client']),
    clientUrl: safeUrl(body['client_url']),
    links: readLinks(body['links'], problems),
    images: readImages(body['images'], problems),
  };
  return problems.conclude([fitEvent(event)], lenient);
}

function readAction(value: unknown, problems: Problems): AlertEvent['action'] {
  if (ACTIONS.includes(value)) return value as AlertEvent['action'];
  problems.mended(
    scalarText(value) === null
      ? "'event_action' is missing or blank"
      : "'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')",
  );
  return 'trigger';
}

function readPayload(value: unknown, problems: Problems): AlertPayload {
  if (!isObject(value)) {
    problems.mended(
      value === undefined || value === null
        ? "'payload' is missing or blank"
        : "'payload' is invalid (must be an object)",
    );
  }
  const payload = isObject(value) ? value : {};
  // What a missing payload lacks is said by one error, not by four.
  const inner = isObject(value) ? problems : new Problems();
  return {
    summary: readSummary(payload['summary'], inner) ?? 'Alert without a summary',
    source: requiredText(payload['source'], 'payload.source', inner) ?? 'unknown',
    severity: readSeverity(payload['severity'], inner),
    timestamp: readTimestamp(payload['timestamp'], inner),
    component: optionalText(payload['component']),
    group: optionalText(payload['group']),
    class: optionalText(payload['class']),
    customDetails: payload['custom_details'] ?? null,
  };
}

function readSummary(value: unknown, problems: Problems): string | null {
  const text = requiredText(value, 'payload.summary', problems, Infinity);
  if (text === null || !isLonger(text, MAX_SUMMARY)) return text;
  problems.mended(`'summary' is too long (maiximum is ${MAX_SUMMARY} characters)`);
  return cutText(text, MAX_SUMMARY);
}

function requiredText(
  value: unknown,
  name: string,
  problems: Problems,
  max = MAX_TEXT,
): string | null {
  const text = scalarText(value);
  if (
    value === undefined ||
    value === null ||
    value === '' ||
    (typeof value === 'string' && !text)
  ) {
    problems.mended(`'${name}' is missing or blank`);
  } else if (typeof value !== 'string') {
    problems.mended(`'${name}' is invalid (must be a string)`);
  }
  return text === null ? null : cutText(text, max);
}

function readSeverity(value: unknown, problems: Problems): Severity {
  if (isSeverity(value)) return value;
  const word = scalarText(value);
  problems.mended(
    word === null && !isObject(value) && !Array.isArray(value)
      ? "'payload.severity' is missing or blank"
      : "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')",
  );
  // What is not understood pages as the worst.
  return (word === null ? null : severityOfWord(word)) ?? 'critical';
}

function readTimestamp(value: unknown, problems: Problems): string | null {
  if (value === undefined || value === null || value === '') return null;
  const iso = typeof value === 'string' ? isoTimestamp(value) : null;
  if (iso === null)
    problems.mended("'payload.timestamp' is invalid (must be an ISO 8601 timestamp)");
  return iso;
}

/** A change event: only the summary is required; the alert's limits apply. */
export function normaliseChange(
  body: JsonObject,
  lenient: boolean,
):
  | { readonly ok: true; readonly change: NormalisedChange; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly errors: readonly string[] } {
  const problems = new Problems();
  const payload = isObject(body['payload']) ? body['payload'] : {};
  if (!isObject(body['payload'])) problems.fatal("'payload' is missing or blank");
  const summary = isObject(body['payload']) ? readSummary(payload['summary'], problems) : null;
  const change = {
    summary: summary ?? 'Change without a summary',
    source: optionalText(payload['source']),
    timestamp: readTimestamp(payload['timestamp'], problems),
    customDetails: payload['custom_details'] ?? null,
    links: readLinks(body['links'], problems),
    images: readImages(body['images'], problems),
  };
  const errors = problems.errors(lenient);
  return errors.length > 0
    ? { ok: false, errors }
    : { ok: true, change, warnings: problems.warnings() };
}
