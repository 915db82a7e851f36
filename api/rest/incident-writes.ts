import { setTimeout } from 'node:timers/promises';

import { z } from 'zod';

import type { IncidentAddress, IncidentView } from '../../domain/incident/types.ts';
import { readView } from '../live-incidents.ts';
import { defineRoute, type Answer, type Route } from '../route.ts';
import { act, findOr404, onceOnly, type Acted, type Caller } from './incident-actions.ts';
import { incidentJson } from './incident-json.ts';
import { incidentReference } from './incident-references.ts';
import { incidentSchema, jsonContext, type IncidentDeps } from './incident-part.ts';
import { startIncident, type NewIncident } from './incident-start.ts';
import { actionsOf, assignmentsInput, updateFields } from './incident-update.ts';
import { invalidInput, RestError } from './shared/rest-error.ts';
import {
  idParams,
  idSchema,
  ok,
  pageSchema,
  referenceInput,
  referenceSchema,
  wrapped,
} from './shared/schemas.ts';

/** PagerDuty's bound of a bulk update. */
const BULK_MAX = 250;
const BULK_AT_ONCE = 8;
/** How long a merge is waited for, and how often it is looked at. */
const ABSORB_MAX_MS = 3000;
const ABSORB_POLL_MS = 50;

const createBody = z.object({
  incident: z.object({
    type: z.literal('incident').default('incident'),
    title: z.string().trim().min(1).max(1024),
    service: referenceInput,
    urgency: z.enum(['high', 'low']).optional(),
    body: z.object({ details: z.unknown() }).nullish(),
    incident_key: z.string().min(1).max(255).nullish(),
    assignments: assignmentsInput.optional(),
    escalation_policy: referenceInput.optional(),
  }),
});
const updateBody = z.object({ incident: z.object(updateFields) });
const bulkBody = z.object({
  incidents: z.array(z.object({ id: idSchema, ...updateFields })).min(1),
});
const snoozeBody = z.object({ duration: z.int().min(1).max(604_800) });
const mergeBody = z.object({ source_incidents: z.array(referenceInput).min(1).max(100) });

const one = wrapped('incident', incidentSchema);
const pendingSchema = z.object({ incident: incidentSchema, pending: z.literal(true) });
const pendingOk = ok('Recorded durably; no worker has taken it up yet.', pendingSchema);
const startedOk = ok(
  'Recorded durably; no worker has taken it up yet.',
  wrapped('incident', referenceSchema),
);

/** Creating and changing incidents. */
export function createIncidentWriteRoutes(deps: IncidentDeps): readonly Route[] {
  const common = { tag: 'Incidents', permission: 'incidents:write' } as const;
  return [
    defineRoute({
      ...common,
      method: 'post',
      path: '/incidents',
      operationId: 'createIncident',
      summary: 'Create an incident and page whom its policy names',
      body: createBody,
      responses: { 201: ok('The incident.', one), 202: startedOk },
      handle: (input) => create(deps, input, input.body.incident),
    }),
    defineRoute({
      ...common,
      method: 'put',
      path: '/incidents',
      operationId: 'updateIncidents',
      summary:
        'Change up to 250 incidents; a conference bridge and a priority are accepted and ignored',
      body: bulkBody,
      responses: {
        200: ok('Those that were changed, in order.', pageSchema('incidents', incidentSchema)),
        413: ok('More than 250.'),
      },
      handle: (input) => bulk(deps, input, input.body.incidents),
    }),
    defineRoute({
      ...common,
      method: 'put',
      path: '/incidents/{id}',
      operationId: 'updateIncident',
      summary:
        'Acknowledge, resolve, reassign, escalate or rename an incident; a conference bridge and a priority are accepted and ignored',
      params: idParams,
      body: updateBody,
      responses: { 200: ok('The incident.', one), 202: pendingOk },
      handle: async (input) => {
        const { index } = jsonContext(deps, input.actor);
        const actions = actionsOf(index, input.body.incident);
        return answer(deps, input, 200, await act(deps, input, input.params.id, actions));
      },
    }),
    defineRoute({
      ...common,
      method: 'post',
      path: '/incidents/{id}/snooze',
      operationId: 'snoozeIncident',
      summary: 'Let an incident rest for a time',
      params: idParams,
      body: snoozeBody,
      responses: { 201: ok('The incident.', one) },
      handle: async (input) => {
        const action = { type: 'snooze', durationSec: input.body.duration } as const;
        return answer(deps, input, 201, await act(deps, input, input.params.id, [action]));
      },
    }),
    defineRoute({
      ...common,
      method: 'put',
      path: '/incidents/{id}/merge',
      operationId: 'mergeIncidents',
      summary: 'Merge other incidents into this one',
      params: idParams,
      body: mergeBody,
      responses: { 200: ok('The target.', wrapped('incident', referenceSchema)) },
      handle: async (input) => {
        const { view } = await merge(deps, input, input.params.id, input.body.source_incidents);
        const merged = await untilAbsorbed(deps, view);
        const incident = incidentReference(jsonContext(deps, input.actor), merged);
        return { status: 200, body: { incident } };
      },
    }),
  ];
}

function answer(deps: IncidentDeps, { actor }: Caller, status: number, acted: Acted): Answer {
  const incident = incidentJson(jsonContext(deps, actor), acted.view);
  if (acted.pending) return { status: 202, body: { incident, pending: true } };
  return { status, body: { incident }, headers: { 'pdlite-source': 'workflow' } };
}

async function create(
  deps: IncidentDeps,
  caller: Caller,
  incident: z.infer<typeof createBody>['incident'],
): Promise<Answer> {
  if (incident.assignments && incident.escalation_policy) {
    throw invalidInput('Assignments and escalation policy cannot both be given');
  }
  const details = incident.body?.details;
  const wanted: NewIncident = {
    title: incident.title,
    details:
      details === undefined || typeof details === 'string'
        ? (details ?? null)
        : JSON.stringify(details),
    serviceId: incident.service.id,
    policyId: incident.escalation_policy?.id ?? null,
    urgency: incident.urgency ?? null,
    incidentKey: incident.incident_key ?? null,
    assigneeIds: (incident.assignments ?? []).map(({ assignee }) => assignee.id),
  };
  const { incidentId, view } = await startIncident(deps, caller, wanted);
  const context = jsonContext(deps, caller.actor);
  if (view) return { status: 201, body: { incident: incidentJson(context, view) } };
  const reference = incidentReference(context, { id: incidentId });
  return { status: 202, body: { incident: reference, pending: true } };
}

type BulkItem = z.infer<typeof bulkBody>['incidents'][number];
type BulkResult = { readonly acted: Acted } | { readonly id: string; readonly error: RestError };

/** Several incidents at once, the changes of one incident in the order of the list. */
async function bulk(
  deps: IncidentDeps,
  caller: Caller,
  items: readonly BulkItem[],
): Promise<Answer> {
  if (items.length > BULK_MAX) throw new RestError(413, 2001, 'Request Entity Too Large');
  const context = jsonContext(deps, caller.actor);
  const planned = items.map((item) => ({ id: item.id, actions: actionsOf(context.index, item) }));
  const results = new Array<BulkResult | undefined>(items.length);
  const groups = [...Map.groupBy(planned.entries(), ([, { id }]) => id).values()];
  const drain = async () => {
    for (let group = groups.shift(); group; group = groups.shift()) {
      for (const [position, { id, actions }] of group) {
        results[position] = await attempt(id, () => act(deps, caller, id, actions));
      }
    }
  };
  await Promise.all(Array.from({ length: BULK_AT_ONCE }, drain));
  const acted = results.flatMap((result) => (result && 'acted' in result ? [result.acted] : []));
  const failed = results.flatMap((result) => (result && 'error' in result ? [result] : []));
  const [first] = failed;
  if (acted.length === 0 && first) throw first.error;
  const incidents = acted.map(({ view, pending }) => ({
    ...incidentJson(context, view),
    ...(pending && { pending }),
  }));
  const errors = failed.map(({ id, error: { code, message } }) => ({ id, code, message }));
  const paging = { limit: BULK_MAX, offset: 0, more: false, total: null };
  return {
    status: 200,
    body: { incidents, ...paging, ...(errors.length > 0 && { errors }) },
  };
}

/** A refusal belongs to its incident; an engine that is not there ends the whole request. */
async function attempt(id: string, work: () => Promise<Acted>): Promise<BulkResult> {
  try {
    return { acted: await work() };
  } catch (error) {
    if (error instanceof RestError) return { id, error };
    throw error;
  }
}

async function merge(
  deps: IncidentDeps,
  caller: Caller,
  targetId: string,
  given: readonly { readonly id: string }[],
): Promise<Acted> {
  const { view } = await findOr404(deps.live, caller.actor, targetId);
  return onceOnly(deps, caller, { view, position: 0 }, async () => {
    const sources = await addresses(deps, caller, given);
    return act(deps, caller, targetId, [{ type: 'merge', sources }]);
  });
}

/** The target once it has all its sources; after 3 s, or without an answer, as it is. */
async function untilAbsorbed({ temporal }: IncidentDeps, target: IncidentView) {
  const deadline = performance.now() + ABSORB_MAX_MS;
  let view = target;
  while ((view.mergesPending ?? 0) > 0 && performance.now() < deadline) {
    await setTimeout(ABSORB_POLL_MS);
    try {
      view = await readView(temporal, target);
    } catch {
      return view;
    }
  }
  return view;
}

async function addresses(
  deps: IncidentDeps,
  { actor }: Caller,
  sources: readonly { readonly id: string }[],
): Promise<readonly IncidentAddress[]> {
  const found: IncidentAddress[] = [];
  for (const { id } of sources) {
    const { view, workflowId } = await findOr404(deps.live, actor, id);
    if (view.status === 'resolved') {
      throw new RestError(400, 1001, 'Incident Already Resolved', {
        errors: [`${id} is resolved`],
      });
    }
    found.push({ incidentId: id, workflowId });
  }
  return found;
}
