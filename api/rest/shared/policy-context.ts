import { schedules } from '../../../db/stores/schedules.ts';
import { escalationPolicies, integrations, services } from '../../../db/stores/services.ts';
import { teams } from '../../../db/stores/teams.ts';
import { users } from '../../../db/stores/users.ts';
import type { EscalationPolicy, Service } from '../../../domain/model.ts';
import type { PolicyContext } from '../policy-json.ts';
import type { Reading } from './config-store.ts';

/** Reads what these policies and services refer to, in seven statements at most. */
export async function readPolicyContext(
  { trx, refer }: Reading,
  shown: {
    readonly policies?: readonly EscalationPolicy[];
    readonly services?: readonly Service[];
  },
  include: readonly string[] = [],
): Promise<PolicyContext> {
  const given = shown.services ?? [];
  const policyIds = given.map((service) => service.escalationPolicyId);
  const policies = shown.policies ?? (await escalationPolicies.where(trx, 'id', policyIds));
  const targets = policies.flatMap((policy) => policy.rules.flatMap((rule) => rule.targets));
  const ids = (type: 'user' | 'schedule') =>
    targets.filter((target) => target.type === type).map((target) => target.id);
  const teamIds = [...policies, ...given].flatMap((item) => item.teamIds);
  const owned = policies.map((policy) => policy.id);
  const serviceIds = given.map((service) => service.id);
  return {
    refer,
    userNames: names(await users.where(trx, 'id', ids('user'))),
    scheduleNames: names(await schedules.where(trx, 'id', ids('schedule'))),
    teams: new Map((await teams.where(trx, 'id', teamIds)).map((team) => [team.id, team])),
    services: await services.where(trx, 'escalation_policy_id', owned),
    policies: new Map(policies.map((policy) => [policy.id, policy])),
    integrations: await integrations.where(trx, 'service_id', serviceIds),
    includes: new Set(include),
  };
}

function names(items: readonly { readonly id: string; readonly name: string }[]) {
  return new Map(items.map((item) => [item.id, item.name]));
}
