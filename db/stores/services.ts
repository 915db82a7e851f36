import type { EscalationPolicy, Integration, Service } from '../../domain/model.ts';
import { createTable } from './table.ts';

interface PolicyRow {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly num_loops: number;
  readonly rules: EscalationPolicy['rules'];
  readonly team_ids: readonly string[];
}

export const escalationPolicies = createTable<PolicyRow, EscalationPolicy>({
  name: 'escalation_policies',
  search: ['name'],
  orderBy: 'name',
  toItem: (row) => ({
    id: row.id,
    name: row.name,
    description: row.description,
    numLoops: row.num_loops,
    rules: row.rules,
    teamIds: row.team_ids,
  }),
  toRow: (policy) => ({
    name: policy.name,
    description: policy.description,
    num_loops: policy.numLoops,
    rules: JSON.stringify(policy.rules),
    team_ids: [...policy.teamIds],
  }),
});

interface ServiceRow {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly status: Service['status'];
  readonly escalation_policy_id: string;
  readonly acknowledgement_timeout_sec: number | null;
  readonly auto_resolve_timeout_sec: number | null;
  readonly urgency_rule: Service['urgencyRule'];
  readonly team_ids: readonly string[];
  readonly created_at: string;
}

export const services = createTable<ServiceRow, Service>({
  name: 'services',
  search: ['name'],
  orderBy: 'name',
  toItem: (row) => ({
    id: row.id,
    name: row.name,
    description: row.description,
    status: row.status,
    escalationPolicyId: row.escalation_policy_id,
    acknowledgementTimeoutSec: row.acknowledgement_timeout_sec,
    autoResolveTimeoutSec: row.auto_resolve_timeout_sec,
    urgencyRule: row.urgency_rule,
    teamIds: row.team_ids,
    createdAt: row.created_at,
  }),
  toRow: (service) => ({
    name: service.name,
    description: service.description,
    status: service.status,
    escalation_policy_id: service.escalationPolicyId,
    acknowledgement_timeout_sec: service.acknowledgementTimeoutSec,
    auto_resolve_timeout_sec: service.autoResolveTimeoutSec,
    urgency_rule: service.urgencyRule,
    team_ids: [...service.teamIds],
    created_at: service.createdAt,
  }),
});

/** An integration and when it was made. */
export type IntegrationRecord = Integration & { readonly createdAt: string };

interface IntegrationRow {
  readonly id: string;
  readonly service_id: string;
  readonly name: string;
  readonly type: Integration['type'];
  readonly key_hash: string;
  readonly lenient: boolean;
  readonly rate_limit_per_minute: number;
  readonly mapping: Integration['mapping'];
  readonly topic_arn: string | null;
  readonly heartbeat_timeout_sec: number | null;
  readonly created_at: string;
}

export const integrations = createTable<IntegrationRow, IntegrationRecord>({
  name: 'integrations',
  search: ['name'],
  orderBy: 'created_at',
  toItem: (row) => ({
    id: row.id,
    serviceId: row.service_id,
    name: row.name,
    type: row.type,
    keyHash: row.key_hash,
    lenient: row.lenient,
    rateLimitPerMinute: row.rate_limit_per_minute,
    mapping: row.mapping,
    topicArn: row.topic_arn,
    heartbeatTimeoutSec: row.heartbeat_timeout_sec,
    createdAt: row.created_at,
  }),
  toRow: (integration) => ({
    service_id: integration.serviceId,
    name: integration.name,
    type: integration.type,
    key_hash: integration.keyHash,
    lenient: integration.lenient,
    rate_limit_per_minute: integration.rateLimitPerMinute,
    mapping: integration.mapping === null ? null : JSON.stringify(integration.mapping),
    topic_arn: integration.topicArn,
    heartbeat_timeout_sec: integration.heartbeatTimeoutSec,
    created_at: integration.createdAt,
  }),
});
