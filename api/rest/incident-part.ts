import { z } from 'zod';

import type { Actor } from '../../domain/permissions.ts';
import type { ApiDeps } from '../deps.ts';
import type { LiveIncidents } from '../live-incidents.ts';
import type { JsonContext } from './incident-references.ts';
import { indexContext } from './shared/policy-context.ts';
import { createRefer } from './shared/references.ts';
import type { PolicyContext } from './policy-json.ts';
import { RestError } from './shared/rest-error.ts';
import { referenceSchema, resourceSchema } from './shared/schemas.ts';

/** What each part of the incident routes is made of. */
export interface IncidentDeps extends ApiDeps {
  readonly live: LiveIncidents;
}

/** How the actor's account is shown in JSON. @throws RestError 503 before the directory knows the account */
export function jsonContext(
  deps: Pick<ApiDeps, 'directory' | 'config'>,
  actor: Actor,
  include: readonly string[] = [],
): JsonContext {
  const index = deps.directory.account(actor.accountId);
  if (!index) throw new RestError(503, 2000, 'The configuration is not loaded yet');
  let shapes: PolicyContext | undefined;
  const make = () => indexContext(createRefer(deps.config.PUBLIC_URL), index);
  return { index, config: deps.config, include, shapes: () => (shapes ??= make()) };
}

/** Says where an answer comes from, and how old it may be. */
export function freshness(
  source: 'workflow' | 'projection',
  lagSeconds: number | null,
): Readonly<Record<string, string>> {
  const lag = lagSeconds === null ? {} : { 'pdlite-lag-seconds': lagSeconds.toFixed(1) };
  return { 'pdlite-source': source, ...lag };
}

const agentSchema = referenceSchema;

/** PagerDuty's incident, as answered. */
export const incidentSchema = resourceSchema({
  incident_number: z.int(),
  title: z.string(),
  status: z.enum(['triggered', 'acknowledged', 'resolved']),
  urgency: z.enum(['high', 'low']),
  incident_key: z.string(),
  created_at: z.string(),
  updated_at: z.string(),
  resolved_at: z.string().optional(),
  service: referenceSchema,
  escalation_policy: referenceSchema,
  teams: z.array(referenceSchema),
  assignments: z.array(z.object({ at: z.string(), assignee: referenceSchema })),
  acknowledgements: z.array(z.object({ at: z.string(), acknowledger: agentSchema })),
  pending_actions: z.array(z.looseObject({ type: z.string(), at: z.string() })),
  alert_counts: z.object({ all: z.int(), triggered: z.int(), resolved: z.int() }),
  last_status_change_at: z.string(),
  last_status_change_by: agentSchema,
  first_trigger_log_entry: referenceSchema,
  temporal_ui_url: z.string(),
});
