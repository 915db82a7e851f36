import {
  completeSchedules,
  type OverrideRecord,
  type ScheduleRecord,
} from '../../db/stores/schedules.ts';
import { escalationPolicies } from '../../db/stores/services.ts';
import { teams } from '../../db/stores/teams.ts';
import { users } from '../../db/stores/users.ts';
import type { EscalationPolicy, Schedule } from '../../domain/model.ts';
import { scheduleJson, type ScheduleContext } from './schedule-json.ts';
import type { Reading } from './shared/config-store.ts';

/** Whether one of the policy's rules leads to this schedule. */
export function usesSchedule(policy: EscalationPolicy, scheduleId: string): boolean {
  return policy.rules.some((rule) =>
    rule.targets.some((target) => target.type === 'schedule' && target.id === scheduleId),
  );
}

/** Schedules as answered, in the order of `records`. */
export async function schedulesJson(
  read: Reading,
  records: readonly ScheduleRecord[],
  shown: Pick<ScheduleContext, 'range' | 'next'> = {},
) {
  const complete = await completeSchedules(read.trx, records);
  const context = await contextFor(read, complete);
  const policies = await escalationPolicies.all(read.trx);
  return complete.map((schedule) =>
    scheduleJson(schedule, {
      ...context,
      ...shown,
      policies: policies.filter((policy) => usesSchedule(policy, schedule.id)),
    }),
  );
}

/** One schedule as answered. */
export async function scheduleOf(
  read: Reading,
  record: ScheduleRecord,
  shown: Pick<ScheduleContext, 'range' | 'next'>,
) {
  return (await schedulesJson(read, [record], shown))[0];
}

async function contextFor(
  { trx, refer }: Reading,
  complete: readonly Schedule[],
): Promise<ScheduleContext> {
  const layers = complete.flatMap((schedule) => schedule.layers);
  const covering = complete.flatMap((schedule) => schedule.overrides);
  const userIds = [
    ...layers.flatMap((layer) => layer.userIds),
    ...covering.map((override) => override.userId),
  ];
  const foundUsers = await users.where(trx, 'id', userIds);
  const teamIds = complete.flatMap((schedule) => schedule.teamIds);
  const foundTeams = await teams.where(trx, 'id', teamIds);
  return {
    refer,
    userNames: new Map(foundUsers.map((user) => [user.id, user.name])),
    teams: new Map(foundTeams.map((team) => [team.id, team])),
    policies: [],
  };
}

/** What overrides are shown with. */
export async function overrideContext(
  { trx, refer }: Reading,
  shown: readonly OverrideRecord[],
): Promise<ScheduleContext> {
  const ids = shown.map((override) => override.userId);
  const found = await users.where(trx, 'id', ids);
  const userNames = new Map(found.map((user) => [user.id, user.name]));
  return { refer, userNames, teams: new Map(), policies: [] };
}
