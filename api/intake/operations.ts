import { z } from 'zod';

import type { DescribedOperation } from '../openapi.ts';

const key = z.object({ key: z.string().length(32).describe('Integration key.') });
const link = z.object({ href: z.string(), text: z.string().optional() });
const image = z.object({
  src: z.string(),
  href: z.string().optional(),
  alt: z.string().optional(),
});
const routingKey = z.string().length(32).describe('Integration key.');
const action = z.enum(['trigger', 'acknowledge', 'resolve']);
const details = z.record(z.string(), z.unknown());

const eventV2 = z.object({
  event_action: action,
  dedup_key: z.string().max(255).optional(),
  payload: z
    .object({
      summary: z.string().max(1024),
      source: z.string(),
      severity: z.enum(['critical', 'error', 'warning', 'info']),
      timestamp: z.string().optional(),
      component: z.string().optional(),
      group: z.string().optional(),
      class: z.string().optional(),
      custom_details: details.optional(),
    })
    .optional(),
  images: z.array(image).optional(),
  links: z.array(link).optional(),
  client: z.string().optional(),
  client_url: z.string().optional(),
});
const changeV2 = z.object({
  routing_key: routingKey,
  payload: z.object({
    summary: z.string().max(1024),
    source: z.string().optional(),
    timestamp: z.string().optional(),
    custom_details: details.optional(),
  }),
  links: z.array(link).optional(),
  images: z.array(image).optional(),
});
const eventV1 = z.object({
  service_key: routingKey,
  event_type: action,
  incident_key: z.string().max(255).optional(),
  description: z.string().max(1024).optional(),
  details: details.optional(),
  client: z.string().optional(),
  client_url: z.string().optional(),
  contexts: z.array(z.record(z.string(), z.unknown())).optional(),
});
const texts = z.record(z.string(), z.string());
const alertmanager = z.object({
  version: z.string().optional(),
  groupKey: z.string().optional(),
  receiver: z.string().optional(),
  externalURL: z.string().optional(),
  alerts: z.array(
    z.object({
      status: z.enum(['firing', 'resolved']),
      labels: texts,
      annotations: texts.optional(),
      startsAt: z.string().optional(),
      endsAt: z.string().optional(),
      generatorURL: z.string().optional(),
      fingerprint: z.string().optional(),
    }),
  ),
});
const sns = z
  .looseObject({
    Type: z.enum(['Notification', 'SubscriptionConfirmation', 'UnsubscribeConfirmation']),
    MessageId: z.string(),
    TopicArn: z.string(),
    Message: z.string(),
    Timestamp: z.string(),
    SignatureVersion: z.enum(['1', '2']),
    Signature: z.string(),
    SigningCertURL: z.string(),
  })
  .describe('A message of Amazon SNS, sent as text/plain.');
const generic = z
  .record(z.string(), z.unknown())
  .describe('Any JSON; the integration’s mapping says where each field is.');

const warnings = z.array(z.string()).optional();
const success = z.object({
  status: z.literal('success'),
  message: z.string(),
  dedup_key: z.string().optional(),
  incident_key: z.string().optional(),
  dedup_keys: z.array(z.string()).optional(),
  warnings,
});
const failure = z.object({
  status: z.string(),
  message: z.string(),
  errors: z.array(z.string()).optional(),
});
const again = 'Not stored; `Retry-After` says when to send it again.';
const failures = {
  400: { description: 'Refused; sending it again unchanged is of no use.', schema: failure },
  413: { description: 'Larger than 512 KB.', schema: failure },
  503: { description: again, schema: failure },
};
const throttled = { description: again, schema: failure };
const accepted = { description: 'The event is on disk.', schema: success };
const unknownKey = { description: 'The key is missing or unknown.', schema: failure };

type Part = Pick<DescribedOperation, 'path' | 'operationId' | 'summary' | 'responses'> &
  Partial<Pick<DescribedOperation, 'params' | 'body' | 'method'>>;
const operation = (part: Part): DescribedOperation => ({
  method: 'post',
  tag: 'Events',
  permission: 'public',
  ...part,
});
const v2Responses = { 202: accepted, ...failures, 429: throttled };
const webhookResponses = { 202: accepted, ...failures, 401: unknownKey };

/** The ways in for events, as the description of the api shows them. */
export const INTAKE_OPERATIONS: readonly DescribedOperation[] = [
  operation({
    path: '/v2/enqueue',
    operationId: 'enqueueEvent',
    summary: 'Send an event (PagerDuty Events API v2)',
    body: eventV2.extend({ routing_key: routingKey }),
    responses: v2Responses,
  }),
  operation({
    path: '/integration/{key}/enqueue',
    operationId: 'enqueueEventByKey',
    summary: 'Send an event (PagerDuty Events API v2) with the key in the path',
    params: key,
    body: eventV2,
    responses: v2Responses,
  }),
  operation({
    path: '/v2/change/enqueue',
    operationId: 'enqueueChangeEvent',
    summary: 'Send a change event (PagerDuty Events API v2)',
    body: changeV2,
    responses: v2Responses,
  }),
  operation({
    path: '/generic/2010-04-15/create_event.json',
    operationId: 'createEventV1',
    summary: 'Send an event (PagerDuty Events API v1)',
    body: eventV1,
    responses: { 200: accepted, ...failures, 403: throttled },
  }),
  operation({
    path: '/integration/{key}/alertmanager',
    operationId: 'receiveAlertmanagerByKey',
    summary: 'Alertmanager webhook (version 4)',
    params: key,
    body: alertmanager,
    responses: webhookResponses,
  }),
  operation({
    path: '/integration/alertmanager',
    operationId: 'receiveAlertmanager',
    summary: 'Alertmanager webhook with the key as bearer token or basic-auth password',
    body: alertmanager,
    responses: webhookResponses,
  }),
  operation({
    path: '/integration/{key}/grafana',
    operationId: 'receiveGrafanaByKey',
    summary: 'Grafana alerting webhook',
    params: key,
    body: alertmanager,
    responses: webhookResponses,
  }),
  operation({
    path: '/integration/grafana',
    operationId: 'receiveGrafana',
    summary: 'Grafana alerting webhook with the key as bearer token or basic-auth password',
    body: alertmanager,
    responses: webhookResponses,
  }),
  operation({
    path: '/integration/{key}/cloudwatch',
    operationId: 'receiveCloudWatch',
    summary:
      'Amazon SNS with CloudWatch alarms; confirms the subscription of the integration’s topic',
    params: key,
    body: sns,
    responses: {
      200: { description: 'The subscription is confirmed, or its end noted.', schema: success },
      403: { description: 'Not the topic of this integration.', schema: failure },
      ...webhookResponses,
    },
  }),
  ...(['get', 'post'] as const).flatMap((method) => [
    operation({
      method,
      path: '/integration/{key}/heartbeat',
      operationId: `${method}HeartbeatByKey`,
      summary: 'One beat of a heartbeat integration',
      params: key,
      responses: webhookResponses,
    }),
    operation({
      method,
      path: '/integration/heartbeat',
      operationId: `${method}Heartbeat`,
      summary: 'One beat, with the key as bearer token or basic-auth password',
      responses: webhookResponses,
    }),
  ]),
  operation({
    path: '/integration/{key}/events',
    operationId: 'receiveGenericByKey',
    summary: 'Generic JSON, read by the integration’s mapping',
    params: key,
    body: generic,
    responses: webhookResponses,
  }),
  operation({
    path: '/integration/events',
    operationId: 'receiveGeneric',
    summary: 'Generic JSON with the key as bearer token or basic-auth password',
    body: generic,
    responses: webhookResponses,
  }),
];
