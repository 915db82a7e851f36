import type { AlertPayload } from '../event.ts';
import type { Severity } from '../model.ts';
import {
  cutText,
  isObject,
  isoTimestamp,
  optionalText,
  safeUrl,
  scalarText,
  shortKey,
  type JsonObject,
} from './fields.ts';
import { fitEvent } from './fit.ts';
import { MAX_ALERTS_PER_POST, MAX_SUMMARY } from './limits.ts';
import { Problems } from './problems.ts';
import { severityOfWord } from './severity.ts';
import type { Normalised, NormalisedEvent } from './types.ts';

const SUMMARY_ANNOTATIONS = ['summary', 'title', 'message', 'description'] as const;
const LINKS: readonly (readonly [from: 'alert' | 'annotations', key: string, text: string])[] = [
  ['alert', 'generatorURL', 'Source'],
  ['annotations', 'runbook_url', 'Runbook'],
  ['annotations', 'dashboard_url', 'Dashboard'],
  ['alert', 'dashboardURL', 'Dashboard'],
  ['alert', 'panelURL', 'Panel'],
  ['alert', 'silenceURL', 'Silence'],
];

/** Who posts. Grafana's alerts are version 1 of the same shape. */
export type Tool = 'Alertmanager' | 'Grafana';

/**
 * Alertmanager's webhook, version 4 (Grafana's version 1 has the same shape). Each alert is an event of its
 * own, known by its fingerprint, so that a group that gains or loses alerts loses none of them, and a post
 * sent twice changes nothing.
 */
export function normaliseAlertmanager(
  body: JsonObject,
  lenient: boolean,
  tool: Tool = 'Alertmanager',
): Normalised {
  const problems = new Problems();
  const alerts = body['alerts'];
  if (!Array.isArray(alerts)) {
    problems.fatal("'alerts' is missing or not a list");
    return problems.conclude([], lenient);
  }
  if (alerts.length > MAX_ALERTS_PER_POST) {
    problems.fatal(`'alerts' is too long (maximum is ${MAX_ALERTS_PER_POST}); set max_alerts`);
    return problems.conclude([], lenient);
  }
  const events = alerts.flatMap((alert: unknown, index) => {
    if (isObject(alert)) return [readAlert({ body, tool, index }, alert, problems)];
    problems.mended(`'alerts[${index}]' is invalid (must be an object)`);
    return [];
  });
  return problems.conclude(events, lenient);
}

interface Post {
  readonly body: JsonObject;
  readonly tool: Tool;
  readonly index: number;
}

function readAlert(post: Post, alert: JsonObject, problems: Problems): NormalisedEvent {
  const { body, tool, index } = post;
  const labels = texts(alert['labels']);
  const annotations = texts(alert['annotations']);
  if (alert['status'] !== 'firing' && alert['status'] !== 'resolved') {
    problems.mended(`'alerts[${index}].status' is invalid (must be firing or resolved)`);
  }
  const resolved = alert['status'] === 'resolved';
  return fitEvent({
    action: resolved ? 'resolve' : 'trigger',
    dedupKey: shortKey(scalarText(alert['fingerprint']) ?? labelsKey(labels)),
    payload: resolved ? null : readPayload(post, alert, { labels, annotations }),
    client: tool,
    clientUrl: safeUrl(body['externalURL']),
    links: readAlertLinks(alert, annotations),
    images: readImage(alert['imageURL']),
  });
}

interface Described {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

function readPayload({ body, tool }: Post, alert: JsonObject, described: Described): AlertPayload {
  const { labels, annotations } = described;
  const startsAt = scalarText(alert['startsAt']);
  return {
    summary: cutText(summaryOf(described), MAX_SUMMARY),
    source: cutText(labels['instance'] ?? labels['job'] ?? tool, 255),
    severity: severityOf(labels['severity']),
    timestamp: startsAt === null ? null : isoTimestamp(startsAt),
    component: optionalText(labels['service'] ?? labels['job']),
    group: optionalText(labels['cluster'] ?? labels['namespace'] ?? labels['grafana_folder']),
    class: optionalText(labels['alertname']),
    customDetails: {
      labels,
      annotations,
      startsAt,
      generatorURL: scalarText(alert['generatorURL']),
      receiver: scalarText(body['receiver']),
      groupKey: scalarText(body['groupKey']),
      ...(isObject(alert['values']) ? { values: alert['values'] } : {}),
    },
  };
}

/** What the annotations say, after the alert's name; the name and the instance when they say nothing. */
function summaryOf({ labels, annotations }: Described): string {
  const name = labels['alertname'] ?? 'Alert';
  const text = SUMMARY_ANNOTATIONS.map((key) => annotations[key]).find(Boolean);
  if (text === undefined) return labels['instance'] ? `${name} on ${labels['instance']}` : name;
  const line = text.split(/\r?\n/, 1)[0] ?? text;
  return line.includes(name) ? line : `${name}: ${line}`;
}

/** Without a label, and for a word that is not known: error, as Alertmanager's own PagerDuty receiver has it. */
function severityOf(label: string | undefined): Severity {
  return (label === undefined ? null : severityOfWord(label)) ?? 'error';
}

function readAlertLinks(
  alert: JsonObject,
  annotations: Described['annotations'],
): NormalisedEvent['links'] {
  return LINKS.flatMap(([from, key, text]) => {
    const href = safeUrl(from === 'alert' ? alert[key] : annotations[key]);
    return href === null ? [] : [{ href, text }];
  });
}

/** Grafana's screenshot of the panel; by https only. */
function readImage(value: unknown): NormalisedEvent['images'] {
  const src = safeUrl(value);
  return src?.toLowerCase().startsWith('https:') === true ? [{ src }] : [];
}

function texts(value: unknown): Readonly<Record<string, string>> {
  if (!isObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => {
      const text = scalarText(item);
      return text === null ? [] : [[key, text]];
    }),
  );
}

/** For senders without fingerprints: labels alone make an alert what it is. */
function labelsKey(labels: Described['labels']): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}
