import type { EscalationPolicy, Service, Team } from '../../domain/model.ts';
import type { IntegrationRecord } from '../../db/stores/services.ts';
import type { Refer } from './shared/references.ts';
import { teamJson, teamReference } from './user-json.ts';

/** What policies and services are shown with. */
export interface PolicyContext {
  readonly refer: Refer;
  readonly userNames: ReadonlyMap<string, string>;
  readonly scheduleNames: ReadonlyMap<string, string>;
  readonly teams: ReadonlyMap<string, Team>;
  readonly services: readonly Service[];
  readonly policies: ReadonlyMap<string, EscalationPolicy>;
  readonly integrations: readonly IntegrationRecord[];
  readonly includes: ReadonlySet<string>;
  /** Targets of rules that are shown whole, by `user/{id}` or `schedule/{id}`. */
  readonly targets: ReadonlyMap<string, object>;
}

/** An escalation policy as PagerDuty shows one. */
export function policyJson(
  policy: EscalationPolicy,
  context: PolicyContext,
): Record<string, unknown> {
  const { refer } = context;
  const own = context.services.filter((service) => service.escalationPolicyId === policy.id);
  return {
    ...refer('escalation_policy', `escalation_policies/${policy.id}`, policy.name),
    name: policy.name,
    description: policy.description ?? '',
    num_loops: policy.numLoops,
    on_call_handoff_notifications: 'if_has_services',
    escalation_rules: policy.rules.map((rule) => ({
      id: rule.id,
      escalation_delay_in_minutes: rule.escalationDelayInMinutes,
      escalation_rule_assignment_strategy: 'assign_to_everyone',
      targets: rule.targets.map((target) => targetReference(target, context)),
    })),
    services: own.map((service) =>
      context.includes.has('services')
        ? serviceJson(service, { ...context, includes: new Set() })
        : refer('service_reference', `services/${service.id}`, service.name),
    ),
    teams: teamsOf(policy.teamIds, context),
  };
}

function targetReference(
  target: EscalationPolicy['rules'][number]['targets'][number],
  { refer, userNames, scheduleNames, targets }: PolicyContext,
): object {
  const whole = targets.get(`${target.type}/${target.id}`);
  if (whole) return whole;
  const names = target.type === 'user' ? userNames : scheduleNames;
  const name = names.get(target.id) ?? target.id;
  return refer(`${target.type}_reference`, `${target.type}s/${target.id}`, name);
}

/** A service as PagerDuty shows one. */
export function serviceJson(service: Service, context: PolicyContext): Record<string, unknown> {
  const { refer, includes } = context;
  const own = context.integrations.filter((item) => item.serviceId === service.id);
  const policy = context.policies.get(service.escalationPolicyId);
  const policyPath = `escalation_policies/${service.escalationPolicyId}`;
  return {
    ...refer('service', `services/${service.id}`, service.name),
    name: service.name,
    description: service.description ?? '',
    created_at: service.createdAt,
    status: service.status,
    auto_resolve_timeout: service.autoResolveTimeoutSec,
    acknowledgement_timeout: service.acknowledgementTimeoutSec,
    alert_creation: 'create_alerts_and_incidents',
    incident_urgency_rule: { type: 'constant', urgency: service.urgencyRule },
    escalation_policy:
      policy && includes.has('escalation_policies')
        ? policyJson(policy, context)
        : refer('escalation_policy_reference', policyPath, policy?.name ?? ''),
    teams: teamsOf(service.teamIds, context),
    integrations: own.map((item) =>
      includes.has('integrations')
        ? integrationJson(refer, item, service.name)
        : integrationReference(refer, item),
    ),
    scheduled_actions: [],
    addons: [],
  };
}

/** PagerDuty's name of each kind; Alertmanager's and the generic one are our own. */
export const INTEGRATION_TYPES: Readonly<Record<string, IntegrationRecord['type']>> = {
  events_api_v2_inbound_integration: 'events_api_v2_inbound_integration',
  generic_events_api_inbound_integration: 'events_api_v1_inbound_integration',
  alertmanager_inbound_integration: 'alertmanager_inbound_integration',
  generic_json_inbound_integration: 'generic_json_inbound_integration',
  grafana_inbound_integration: 'grafana_inbound_integration',
  cloudwatch_inbound_integration: 'cloudwatch_inbound_integration',
  generic_email_inbound_integration: 'generic_email_inbound_integration',
  heartbeat_inbound_integration: 'heartbeat_inbound_integration',
};

/** An integration, never its key; `lenient`, `rate_limit_per_minute` and the settings of single kinds are our own. */
export function integrationJson(refer: Refer, item: IntegrationRecord, serviceName: string) {
  return {
    ...refer(shownType(item), integrationPath(item), item.name),
    name: item.name,
    created_at: item.createdAt,
    service: refer('service_reference', `services/${item.serviceId}`, serviceName),
    lenient: item.lenient,
    rate_limit_per_minute: item.rateLimitPerMinute,
    mapping: item.mapping && {
      summary: item.mapping.summary,
      source: item.mapping.source,
      severity: item.mapping.severity,
      dedup_key: item.mapping.dedupKey,
      action: item.mapping.action,
      resolve_values: item.mapping.resolveValues,
    },
    ...(item.type === 'cloudwatch_inbound_integration' ? { topic_arn: item.topicArn } : {}),
    ...(item.type === 'heartbeat_inbound_integration'
      ? { heartbeat_timeout_seconds: item.heartbeatTimeoutSec }
      : {}),
  };
}

function integrationReference(refer: Refer, item: IntegrationRecord) {
  const type = shownType(item);
  // PagerDuty's clients know the kinds of references; ours are plain ones there
  const known = type.includes('events_api') ? type : 'inbound_integration';
  return refer(`${known}_reference`, integrationPath(item), item.name);
}

function shownType({ type }: IntegrationRecord): string {
  return type === 'events_api_v1_inbound_integration'
    ? 'generic_events_api_inbound_integration'
    : type;
}

function integrationPath(item: IntegrationRecord): string {
  return `services/${item.serviceId}/integrations/${item.id}`;
}

function teamsOf(ids: readonly string[], { refer, teams, includes }: PolicyContext) {
  return ids.flatMap((id) => {
    const team = teams.get(id);
    if (!team) return [];
    return [includes.has('teams') ? teamJson(refer, team) : teamReference(refer, team)];
  });
}
