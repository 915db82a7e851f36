import { z } from 'zod';

import type { AccountConfig } from '../domain/model.ts';

const text = z.string();
const maybe = z.string().nullable();
const ids = z.array(z.string());
const urgency = z.enum(['high', 'low']);
const role = z.enum([
  'owner',
  'admin',
  'user',
  'limited_user',
  'observer',
  'read_only_user',
  'read_only_limited_user',
  'restricted_access',
]);

const contactMethod = z.object({
  id: text,
  userId: text,
  channel: z.enum(['email', 'sms', 'voice', 'push', 'webhook']),
  label: text,
  address: text,
  verifiedAt: maybe,
  optedOutAt: maybe,
  secret: maybe,
});
const user = z.object({
  id: text,
  name: text,
  email: text,
  timeZone: text,
  role,
  jobTitle: maybe,
  description: maybe,
  teamIds: ids,
  contactMethods: z.array(contactMethod),
  notificationRules: z.array(
    z.object({
      id: text,
      userId: text,
      urgency,
      contactMethodId: text,
      startDelayInMinutes: z.number(),
    }),
  ),
});
const layer = z.object({
  id: text,
  name: text,
  start: text,
  end: maybe,
  rotationVirtualStart: text,
  rotationTurnLengthSeconds: z.number().positive(),
  userIds: ids,
  restrictions: z.array(
    z.object({
      type: z.enum(['daily_restriction', 'weekly_restriction']),
      startTimeOfDay: text,
      durationSeconds: z.number().positive(),
      startDayOfWeek: z.exactOptional(z.number()),
    }),
  ),
});
const schedule = z.object({
  id: text,
  name: text,
  description: maybe,
  timeZone: text,
  layers: z.array(layer),
  overrides: z.array(z.object({ id: text, userId: text, start: text, end: text, createdAt: text })),
  teamIds: ids,
});
const policy = z.object({
  id: text,
  name: text,
  description: maybe,
  numLoops: z.number(),
  rules: z.array(
    z.object({
      id: text,
      escalationDelayInMinutes: z.number(),
      targets: z.array(z.object({ type: z.enum(['user', 'schedule']), id: text })),
    }),
  ),
  teamIds: ids,
});
const service = z.object({
  id: text,
  name: text,
  description: maybe,
  status: z.enum(['active', 'disabled']),
  escalationPolicyId: text,
  acknowledgementTimeoutSec: z.number().nullable(),
  autoResolveTimeoutSec: z.number().nullable(),
  urgencyRule: z.enum(['high', 'low', 'severity_based']),
  teamIds: ids,
  createdAt: text,
});
const integration = z.object({
  id: text,
  serviceId: text,
  name: text,
  type: z.enum([
    'events_api_v2_inbound_integration',
    'events_api_v1_inbound_integration',
    'alertmanager_inbound_integration',
    'grafana_inbound_integration',
    'cloudwatch_inbound_integration',
    'generic_email_inbound_integration',
    'heartbeat_inbound_integration',
    'generic_json_inbound_integration',
  ]),
  keyHash: text,
  lenient: z.boolean(),
  rateLimitPerMinute: z.number(),
  mapping: z
    .object({
      summary: text,
      source: z.exactOptional(text),
      severity: z.exactOptional(text),
      dedupKey: z.exactOptional(text),
      action: z.exactOptional(text),
      resolveValues: z.exactOptional(ids),
    })
    .nullable(),
  topicArn: maybe,
  heartbeatTimeoutSec: z.number().nullable(),
});

/** What the directory takes from outside this process; anything else keeps the account's last good copy. */
export const accountConfigSchema: z.ZodType<AccountConfig> = z.object({
  account: z.object({
    id: text,
    subdomain: text,
    name: text,
    timeZone: text,
    catchAllUserId: maybe,
    ownerUserId: text,
    requireReplyCodes: z.boolean(),
  }),
  users: z.array(user),
  teams: z.array(z.object({ id: text, name: text, description: maybe })),
  schedules: z.array(schedule),
  policies: z.array(policy),
  services: z.array(service),
  integrations: z.array(integration),
  apiKeys: z.array(
    z.object({
      id: text,
      keyHash: text,
      userId: maybe,
      role,
      readOnly: z.boolean(),
      expiresAt: maybe,
    }),
  ),
  version: z.number(),
});
