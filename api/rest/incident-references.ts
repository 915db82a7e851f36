import type { AccountIndex } from '../../domain/directory.ts';
import type { Agent, IncidentView } from '../../domain/incident/types.ts';
import type { Config } from '../../platform/config.ts';
import { policyJson, serviceJson, type PolicyContext } from './policy-json.ts';
import { teamJson, userJson } from './user-json.ts';

/** What the JSON of an incident needs besides its view: names, and where things are. */
export interface JsonContext {
  readonly index: AccountIndex;
  readonly config: Pick<Config, 'PUBLIC_URL' | 'TEMPORAL_UI_URL' | 'TEMPORAL_NAMESPACE'>;
  /** PagerDuty's `include[]`: these references become whole objects. */
  readonly include: readonly string[];
  /** What whole objects are shown with; made on first use. */
  readonly shapes: () => PolicyContext;
}

export interface Reference {
  readonly id: string;
  readonly type: string;
  readonly summary: string | null;
  readonly self: string | null;
  readonly html_url: string | null;
}

/** A reference to something that has a page of its own under `path`. */
export function reference(
  context: JsonContext,
  path: string,
  ref: { readonly id: string; readonly type: string; readonly summary: string | null },
): Reference {
  const url = `${context.config.PUBLIC_URL}/${path}/${encodeURIComponent(ref.id)}`;
  return { ...ref, self: url, html_url: url };
}

export function userReference(context: JsonContext, id: string, known?: string): Reference {
  const user = context.index.users.get(id);
  const summary = user?.name ?? known ?? null;
  const ref = reference(context, 'users', { id, type: 'user_reference', summary });
  if (!user || !includes(context, 'users', 'assignees', 'acknowledgers', 'agents')) return ref;
  const { refer, teams } = context.shapes();
  return Object.assign(ref, userJson(refer, user, teams));
}

/** Whether one of these is wanted whole. */
export function includes(context: JsonContext, ...names: readonly string[]): boolean {
  return names.some((name) => context.include.includes(name));
}

export function serviceReference(context: JsonContext, id: string, name: string): Reference {
  const ref = reference(context, 'services', { id, type: 'service_reference', summary: name });
  const service = context.index.services.get(id);
  if (!service || !includes(context, 'services')) return ref;
  return Object.assign(ref, serviceJson(service, context.shapes()));
}

export function policyReference(context: JsonContext, id: string, name: string): Reference {
  const ref = reference(context, 'escalation_policies', {
    id,
    type: 'escalation_policy_reference',
    summary: name,
  });
  const policy = context.index.policies.get(id);
  if (!policy || !includes(context, 'escalation_policies')) return ref;
  return Object.assign(ref, policyJson(policy, context.shapes()));
}

export function teamReferences(context: JsonContext, serviceId: string): readonly Reference[] {
  const ids = context.index.services.get(serviceId)?.teamIds ?? [];
  return ids.map((id) => {
    const team = context.index.config.teams.find((candidate) => candidate.id === id);
    const summary = team?.name ?? null;
    const ref = reference(context, 'teams', { id, type: 'team_reference', summary });
    if (!team || !includes(context, 'teams')) return ref;
    return Object.assign(ref, teamJson(context.shapes().refer, team));
  });
}

/** Agents without a page of their own (keys, the system) are told as the service that they act in. */
export function agentReference(context: JsonContext, agent: Agent, serviceId?: string): Reference {
  if (agent.type === 'user') return userReference(context, agent.id, agent.summary);
  const { id, summary } = agent;
  if (agent.type === 'service') return serviceReference(context, id, summary);
  if (agent.type === 'integration' && serviceId !== undefined) {
    const path = `services/${serviceId}/integrations`;
    return reference(context, path, { id, type: 'integration_reference', summary });
  }
  return { id, type: 'service_reference', summary, self: null, html_url: null };
}

export function incidentReference(
  context: JsonContext,
  view: Pick<IncidentView, 'id'> & Partial<IncidentView>,
): Reference {
  const { id, number, title } = view;
  const summary = number === undefined ? null : `[#${number}] ${title ?? ''}`;
  return reference(context, 'incidents', { id, type: 'incident_reference', summary });
}

/** The workflow numbers its log entries from 1, and the trigger is the first. */
export function firstEntryId(incidentId: string): string {
  return `${incidentId}-1`;
}

export function firstEntry(context: JsonContext, incidentId: string): Reference {
  return reference(context, 'log_entries', {
    id: firstEntryId(incidentId),
    type: 'trigger_log_entry_reference',
    summary: 'Triggered',
  });
}
