import { schedules, type ScheduleRecord } from '../../../db/stores/schedules.ts';
import { escalationPolicies, integrations, services } from '../../../db/stores/services.ts';
import { teams } from '../../../db/stores/teams.ts';
import { users, type UserRecord } from '../../../db/stores/users.ts';
import type { AccountIndex } from '../../../domain/directory.ts';
import type { EscalationPolicy, Service } from '../../../domain/model.ts';
import type { PolicyContext } from '../policy-json.ts';
import { schedulesJson } from '../schedule-reading.ts';
import { usersJson } from '../users.ts';
import type { Reading } from './config-store.ts';
import type { Refer } from './references.ts';

interface Shown {
  readonly policies?: readonly EscalationPolicy[];
  readonly services?: readonly Service[];
}

/** Reads what these policies and services refer to, in seven statements at most, and more for whole targets. */
export async function readPolicyContext(
  reading: Reading,
  shown: Shown,
  include: readonly string[] = [],
): Promise<PolicyContext> {
  const { trx, refer } = reading;
  const given = shown.services ?? [];
  const policyIds = given.map((service) => service.escalationPolicyId);
  const policies = shown.policies ?? (await escalationPolicies.where(trx, 'id', policyIds));
  const targets = policies.flatMap((policy) => policy.rules.flatMap((rule) => rule.targets));
  const ids = (type: 'user' | 'schedule') =>
    targets.filter((target) => target.type === type).map((target) => target.id);
  const owned = policies.map((policy) => policy.id);
  const using = await services.where(trx, 'escalation_policy_id', owned);
  const all = [...given, ...(include.includes('services') ? using : [])];
  const teamIds = [...policies, ...all].flatMap((item) => item.teamIds);
  const serviceIds = all.map((service) => service.id);
  const foundUsers = await users.where(trx, 'id', ids('user'));
  const foundSchedules = await schedules.where(trx, 'id', ids('schedule'));
  return {
    refer,
    userNames: names(foundUsers),
    scheduleNames: names(foundSchedules),
    teams: new Map((await teams.where(trx, 'id', teamIds)).map((team) => [team.id, team])),
    services: using,
    policies: new Map(policies.map((policy) => [policy.id, policy])),
    integrations: await integrations.where(trx, 'service_id', serviceIds),
    includes: new Set(include),
    targets: include.includes('targets')
      ? await wholeTargets(reading, foundUsers, foundSchedules)
      : new Map(),
  };
}

async function wholeTargets(
  reading: Reading,
  foundUsers: readonly UserRecord[],
  foundSchedules: readonly ScheduleRecord[],
): Promise<ReadonlyMap<string, object>> {
  const people = await usersJson(reading, foundUsers);
  const plans = await schedulesJson(reading, foundSchedules);
  return new Map([
    ...foundUsers.map(({ id }, place): [string, object] => [`user/${id}`, people[place] ?? {}]),
    ...foundSchedules.map(({ id }, place): [string, object] => [
      `schedule/${id}`,
      plans[place] ?? {},
    ]),
  ]);
}

function names(items: readonly { readonly id: string; readonly name: string }[]) {
  return new Map(items.map((item) => [item.id, item.name]));
}

/** The same from the directory, for what must not wait for PostgreSQL. */
export function indexContext(refer: Refer, { config, policies }: AccountIndex): PolicyContext {
  return {
    refer,
    userNames: names(config.users),
    scheduleNames: names(config.schedules),
    teams: new Map(config.teams.map((team) => [team.id, team])),
    services: config.services,
    policies,
    // The directory does not know when they were made; references do not say it either.
    integrations: config.integrations.map((item) => ({ ...item, createdAt: '' })),
    includes: new Set(),
    targets: new Map(),
  };
}
