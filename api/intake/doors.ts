import type { Request } from 'express';

import { normaliseAlertmanager } from '../../domain/intake/alertmanager.ts';
import { normaliseCloudWatch } from '../../domain/intake/cloudwatch.ts';
import { normaliseEventsV1, serviceKeyError } from '../../domain/intake/events-v1.ts';
import { normaliseEventsV2, routingKeyError } from '../../domain/intake/events-v2.ts';
import { isObject } from '../../domain/intake/fields.ts';
import { normaliseGeneric } from '../../domain/intake/generic.ts';
import type { Normalised } from '../../domain/intake/types.ts';
import type { GenericMapping } from '../../domain/model.ts';
import type { ApiDeps } from '../deps.ts';
import type { Answer } from '../route.ts';
import type { Found } from './receive.ts';
import { EVENTS_V1_REPLIES, EVENTS_V2_REPLIES, WEBHOOK_REPLIES, type Replies } from './replies.ts';
import { admitSns } from './sns.ts';

/** What of the integration decides how a body is read. */
export interface ReadOptions {
  readonly lenient: boolean;
  readonly mapping: GenericMapping | null;
}

/** One way in for alerts. */
export interface Door {
  /** For logs and metrics. */
  readonly name: string;
  /** Express path. */
  readonly path: string;
  readonly replies: Replies;
  /** The key as the sender gave it. */
  readonly key: (request: Request, body: unknown) => unknown;
  /** What is wrong with the form of the key, or null. */
  readonly keyError: (key: unknown) => string | null;
  /** Whether the body is of a kind that can be read at all. */
  readonly recognises: (body: unknown) => boolean;
  readonly normalise: (body: unknown, options: ReadOptions) => Normalised;
  /**
   * A last look at a body that is in order otherwise, such as at its signature: null lets it in, an answer is
   * sent in its place. May throw IntakeRefusal.
   */
  readonly admit?: (arrival: Arrival) => Promise<Answer | null>;
}

/** A body on its way in, with the integration that its key led to. */
export interface Arrival {
  readonly deps: Pick<ApiDeps, 'config' | 'logger' | 'now'>;
  readonly found: Found;
  readonly body: unknown;
}

const objectOf = (body: unknown) => (isObject(body) ? body : {});
const noKeyError = (): null => null;

const eventsV2: Omit<Door, 'path' | 'key'> = {
  name: 'events_v2',
  replies: EVENTS_V2_REPLIES,
  keyError: routingKeyError,
  recognises: isObject,
  normalise: (body, { lenient }) => normaliseEventsV2(objectOf(body), lenient),
};
const alertmanager: Omit<Door, 'path' | 'key'> = {
  name: 'alertmanager',
  replies: WEBHOOK_REPLIES,
  keyError: noKeyError,
  recognises: isObject,
  normalise: (body, { lenient }) => normaliseAlertmanager(objectOf(body), lenient),
};
const grafana: Omit<Door, 'path' | 'key'> = {
  ...alertmanager,
  name: 'grafana',
  normalise: (body, { lenient }) => normaliseAlertmanager(objectOf(body), lenient, 'Grafana'),
};
const cloudwatch: Omit<Door, 'path' | 'key'> = {
  name: 'cloudwatch',
  replies: WEBHOOK_REPLIES,
  keyError: noKeyError,
  recognises: isObject,
  normalise: (body, { lenient }) => normaliseCloudWatch(objectOf(body), lenient),
  admit: admitSns,
};
const generic: Omit<Door, 'path' | 'key'> = {
  name: 'generic',
  replies: WEBHOOK_REPLIES,
  keyError: noKeyError,
  recognises: (body) => typeof body === 'object' && body !== null,
  normalise: (body, { lenient, mapping }) => normaliseGeneric(body, mapping, lenient),
};

/** Every way in for alerts; change events have their own router. */
export const DOORS: readonly Door[] = [
  { ...eventsV2, path: '/v2/enqueue', key: (_request, body) => objectOf(body)['routing_key'] },
  { ...eventsV2, path: '/integration/:key/enqueue', key: keyInPath },
  {
    name: 'events_v1',
    path: '/generic/2010-04-15/create_event.json',
    replies: EVENTS_V1_REPLIES,
    key: (_request, body) => objectOf(body)['service_key'],
    keyError: serviceKeyError,
    recognises: isObject,
    normalise: (body, { lenient }) => normaliseEventsV1(objectOf(body), lenient),
  },
  { ...alertmanager, path: '/integration/:key/alertmanager', key: keyInPath },
  { ...alertmanager, path: '/integration/alertmanager', key: keyInHeader },
  { ...grafana, path: '/integration/:key/grafana', key: keyInPath },
  { ...grafana, path: '/integration/grafana', key: keyInHeader },
  { ...cloudwatch, path: '/integration/:key/cloudwatch', key: keyInPath },
  { ...generic, path: '/integration/:key/events', key: keyInPath },
  { ...generic, path: '/integration/events', key: keyInHeader },
];

/** The key as a part of the path. */
export function keyInPath(request: Request): unknown {
  return request.params['key'];
}

/** `Bearer KEY`, or basic authentication with the key as password (or as user without a password). */
export function keyInHeader(request: Request): unknown {
  const header = request.get('authorization') ?? '';
  const [, scheme = '', credentials = ''] = /^(\w+)\s+(\S+)$/.exec(header) ?? [];
  if (scheme.toLowerCase() === 'bearer') return credentials;
  if (scheme.toLowerCase() !== 'basic') return undefined;
  const text = Buffer.from(credentials, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return text.slice(colon + 1) || text.slice(0, Math.max(0, colon));
}
