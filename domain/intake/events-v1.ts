import type { AlertEvent } from '../event.ts';
import {
  cutText,
  isLonger,
  isObject,
  optionalText,
  readDedupKey,
  readImages,
  readLinks,
  safeUrl,
  scalarText,
  type JsonObject,
} from './fields.ts';
import { fitEvent } from './fit.ts';
import { KEY_LENGTH, MAX_SUMMARY } from './limits.ts';
import { Problems } from './problems.ts';
import type { Normalised } from './types.ts';

const ACTIONS: readonly unknown[] = ['trigger', 'acknowledge', 'resolve'];

/** What is wrong with a service key as text; null when it has the right form. */
export function serviceKeyError(key: unknown): string | null {
  if (scalarText(key) === null) return 'Service key is missing or blank';
  return typeof key === 'string' && key.length === KEY_LENGTH
    ? null
    : `Service key is the wrong length (should be ${KEY_LENGTH} characters)`;
}

/** PagerDuty's Events API v1. It knows no severity, so a trigger is critical. */
export function normaliseEventsV1(body: JsonObject, lenient: boolean): Normalised {
  const problems = new Problems();
  const action = readAction(body['event_type'], problems);
  const dedupKey = readDedupKey(body['incident_key'], 'incident_key', problems);
  if (action !== 'trigger' && dedupKey === null) problems.fatal('Incident key is missing or blank');
  const contexts = readContexts(body['contexts'], problems);
  const summary = action === 'trigger' ? readDescription(body['description'], problems) : '';
  const client = optionalText(body['client']);
  const payload = {
    summary,
    source: client ?? 'Events API v1',
    severity: 'critical' as const,
    timestamp: null,
    component: null,
    group: null,
    class: null,
    customDetails: body['details'] ?? null,
  };
  const event = {
    action,
    dedupKey,
    payload: action === 'trigger' ? payload : null,
    client,
    clientUrl: safeUrl(body['client_url']),
    ...contexts,
  };
  return problems.conclude([fitEvent(event)], lenient);
}

function readAction(value: unknown, problems: Problems): AlertEvent['action'] {
  if (ACTIONS.includes(value)) return value as AlertEvent['action'];
  problems.mended(
    scalarText(value) === null
      ? 'Event type is missing or blank'
      : 'Event type is invalid (must be one of the following: trigger, acknowledge or resolve)',
  );
  return 'trigger';
}

function readDescription(value: unknown, problems: Problems): string {
  const text = scalarText(value);
  if (text === null || typeof value !== 'string') {
    problems.mended('Description is missing or blank');
    return text ?? 'Alert without a description';
  }
  if (!isLonger(text, MAX_SUMMARY)) return text;
  problems.mended(`Description is too long (maximum is ${MAX_SUMMARY} characters)`);
  return cutText(text, MAX_SUMMARY);
}

/** Contexts are links and images in one list, told apart by `type`; other types are let pass. */
function readContexts(value: unknown, problems: Problems): Pick<AlertEvent, 'links' | 'images'> {
  if (value === undefined || value === null) return { links: [], images: [] };
  if (!Array.isArray(value) || !value.every(isObject)) {
    problems.mended('Contexts is invalid (must be an array of objects)');
    return { links: [], images: [] };
  }
  return {
    links: readLinks(
      value.filter((context) => context['type'] === 'link'),
      problems,
    ),
    images: readImages(
      value.filter((context) => context['type'] === 'image'),
      problems,
    ),
  };
}
