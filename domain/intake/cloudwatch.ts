import type { AlertPayload } from '../event.ts';
import {
  cutText,
  isObject,
  isoTimestamp,
  scalarText,
  shortKey,
  type JsonObject,
} from './fields.ts';
import { fitEvent } from './fit.ts';
import { MAX_SUMMARY, MAX_TEXT } from './limits.ts';
import { Problems } from './problems.ts';
import type { Normalised, NormalisedEvent } from './types.ts';

/**
 * A notification of Amazon SNS, already verified. The state change of a CloudWatch alarm triggers on ALARM and
 * resolves on OK, known by the alarm's ARN; INSUFFICIENT_DATA changes nothing and is told as a warning. Whatever
 * else is published on the topic triggers an alert of its own.
 */
export function normaliseCloudWatch(body: JsonObject, lenient: boolean): Normalised {
  const problems = new Problems();
  const text = scalarText(body['Message']);
  if (text === null) {
    problems.fatal("'Message' is missing or blank");
    return problems.conclude([], lenient);
  }
  const alarm = readAlarm(text);
  if (alarm === null) return { ok: true, events: [other(body, text)], warnings: [] };
  const state = scalarText(alarm['NewStateValue']);
  if (state === 'ALARM' || state === 'OK') {
    return { ok: true, events: [change(body, alarm, state)], warnings: [] };
  }
  return { ok: true, events: [], warnings: [`state ${cutText(state ?? '', 50)} changes nothing`] };
}

function readAlarm(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) && 'AlarmName' in value && 'NewStateValue' in value ? value : null;
  } catch {
    return null;
  }
}

const nothing = { client: 'CloudWatch', clientUrl: null, links: [], images: [] } as const;

function change(body: JsonObject, alarm: JsonObject, state: 'ALARM' | 'OK'): NormalisedEvent {
  const name = scalarText(alarm['AlarmName']) ?? 'CloudWatch alarm';
  const arn = scalarText(alarm['AlarmArn']);
  return fitEvent({
    ...nothing,
    action: state === 'ALARM' ? 'trigger' : 'resolve',
    dedupKey: shortKey(arn ?? `${scalarText(body['TopicArn']) ?? ''} ${name}`),
    payload: state === 'OK' ? null : readPayload(alarm, name),
  });
}

function readPayload(alarm: JsonObject, name: string): AlertPayload {
  const reason = scalarText(alarm['NewStateReason']);
  const trigger = isObject(alarm['Trigger']) ? alarm['Trigger'] : {};
  const changedAt = scalarText(alarm['StateChangeTime']);
  return {
    summary: cutText(reason === null ? name : `${name}: ${reason}`, MAX_SUMMARY),
    source: cutText(scalarText(alarm['Region']) ?? 'CloudWatch', MAX_TEXT),
    severity: 'critical',
    timestamp: changedAt === null ? null : isoTimestamp(changedAt),
    component: scalarText(trigger['MetricName']),
    group: scalarText(trigger['Namespace']),
    class: 'CloudWatch alarm',
    customDetails: alarm,
  };
}

/** Something that is no alarm: each message is an alert, known by its id, which repeats when it is sent again. */
function other(body: JsonObject, text: string): NormalisedEvent {
  const subject = scalarText(body['Subject']);
  return fitEvent({
    ...nothing,
    client: 'Amazon SNS',
    action: 'trigger',
    dedupKey: shortKey(scalarText(body['MessageId']) ?? text),
    payload: {
      summary: cutText(subject ?? text.split(/\r?\n/, 1)[0] ?? text, MAX_SUMMARY),
      source: cutText(scalarText(body['TopicArn']) ?? 'Amazon SNS', MAX_TEXT),
      severity: 'error',
      timestamp: isoTimestamp(scalarText(body['Timestamp']) ?? ''),
      component: null,
      group: null,
      class: 'SNS message',
      customDetails: { subject, message: text },
    },
  });
}
