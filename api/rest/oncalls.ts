import { z } from 'zod';

import type { AccountIndex } from '../../domain/directory.ts';
import type { Schedule } from '../../domain/model.ts';
import { onCallsOf, type OnCall } from '../../domain/on-call.ts';
import { renderSchedule } from '../../domain/schedule/schedule.ts';
import type { ApiDeps } from '../deps.ts';
import { defineRoute, type Route } from '../route.ts';
import { policyJson } from './policy-json.ts';
import { scheduleJson } from './schedule-json.ts';
import { usesSchedule } from './schedule-reading.ts';
import { indexContext } from './shared/policy-context.ts';
import { listParam, pageBody, pageOfAll, pageQuery, readPage } from './shared/pagination.ts';
import { createRefer, type Refer } from './shared/references.ts';
import { invalidInput, notFound } from './shared/rest-error.ts';
import { readRange } from './shared/schedule-input.ts';
import {
  includeParam,
  instantSchema,
  ok,
  pageSchema,
  referenceSchema,
  timeZoneParam,
} from './shared/schemas.ts';
import { userJson, userReference } from './user-json.ts';

const listQuery = z.object({
  ...pageQuery,
  'user_ids[]': listParam,
  'escalation_policy_ids[]': listParam,
  'schedule_ids[]': listParam,
  'include[]': includeParam,
  since: instantSchema.optional(),
  until: instantSchema.optional(),
  time_zone: timeZoneParam,
  earliest: z.enum(['true', 'false']).default('false'),
});
type Query = z.infer<typeof listQuery>;
const onCallSchema = z.object({
  escalation_policy: referenceSchema,
  user: referenceSchema,
  schedule: referenceSchema.nullable(),
  escalation_level: z.int(),
  start: z.string().nullable(),
  end: z.string().nullable(),
});

/** `/oncalls`, from the directory, so that it answers without PostgreSQL. */
export function createOnCallRoutes(deps: ApiDeps): readonly Route[] {
  const refer = createRefer(deps.config.PUBLIC_URL);
  return [
    defineRoute({
      method: 'get',
      path: '/oncalls',
      operationId: 'listOnCalls',
      summary: 'Who is on call now, or from since to until (90 days at most)',
      tag: 'On-calls',
      permission: 'configuration:read',
      query: listQuery,
      responses: { 200: ok('On-calls.', pageSchema('oncalls', onCallSchema)) },
      handle: ({ actor, query }) => {
        const page = readPage(query);
        const index = deps.directory.account(actor.accountId);
        if (!index) throw notFound();
        const matching = selected(onCallsIn(index, query, deps.now().toISOString()), query);
        const found = pageOfAll(matching, page);
        const includes = new Set(query['include[]'] ?? []);
        const items = found.items.map((item) => onCallJson(refer, index, item, includes));
        return Promise.resolve({ status: 200, body: pageBody('oncalls', items, page, found) });
      },
    }),
  ];
}

const RANGE_MAX_MS = 90 * 86_400_000;

function onCallsIn(index: AccountIndex, query: Query, now: string): readonly OnCall[] {
  if (query.since === undefined && query.until === undefined) return onCallsOf(index, now);
  const { since, until } = readRange({ since: query.since ?? now, until: query.until }, now);
  if (Date.parse(until) - Date.parse(since) > RANGE_MAX_MS) {
    throw invalidInput('until: at most 90 days after since');
  }
  return index.config.policies.flatMap((policy) =>
    policy.rules.flatMap((rule, position) =>
      rule.targets.flatMap((target): readonly OnCall[] => {
        const common = { policyId: policy.id, level: position + 1 };
        if (target.type === 'user') {
          return [{ ...common, userId: target.id, scheduleId: null, start: null, end: null }];
        }
        const schedule = index.schedules.get(target.id);
        if (!schedule) return [];
        return renderSchedule(schedule, since, until).map((entry) => ({
          ...common,
          ...entry,
          scheduleId: schedule.id,
        }));
      }),
    ),
  );
}

function selected(all: readonly OnCall[], query: Query): readonly OnCall[] {
  const among = (wanted: readonly string[] | undefined, id: string | null) =>
    !wanted || wanted.length === 0 || (id !== null && wanted.includes(id));
  const found = all.filter(
    (item) =>
      among(query['user_ids[]'], item.userId) &&
      among(query['escalation_policy_ids[]'], item.policyId) &&
      among(query['schedule_ids[]'], item.scheduleId),
  );
  return query.earliest === 'true' ? earliestOf(found) : found;
}

// One for each policy, level and user; no start is the earliest of all.
function earliestOf(all: readonly OnCall[]): readonly OnCall[] {
  const first = new Map<string, OnCall>();
  for (const item of all.toSorted((a, b) => (a.start ?? '').localeCompare(b.start ?? ''))) {
    const key = `${item.policyId}/${item.level}/${item.userId}`;
    if (!first.has(key)) first.set(key, item);
  }
  return [...first.values()];
}

function onCallJson(
  refer: Refer,
  index: AccountIndex,
  item: OnCall,
  includes: ReadonlySet<string>,
): Record<string, unknown> {
  const user = index.users.get(item.userId);
  const policy = index.policies.get(item.policyId);
  const schedule = item.scheduleId === null ? undefined : index.schedules.get(item.scheduleId);
  const teams = new Map(index.config.teams.map((team) => [team.id, team]));
  const policyPath = `escalation_policies/${item.policyId}`;
  return {
    escalation_policy:
      policy && includes.has('escalation_policies')
        ? policyJson(policy, indexContext(refer, index))
        : refer('escalation_policy_reference', policyPath, policy?.name ?? ''),
    user:
      user && includes.has('users')
        ? userJson(refer, user, teams)
        : userReference(refer, { id: item.userId, name: user?.name ?? '' }),
    schedule: schedule ? scheduleShown(refer, index, schedule, includes) : null,
    escalation_level: item.level,
    start: item.start,
    end: item.end,
  };
}

function scheduleShown(
  refer: Refer,
  index: AccountIndex,
  schedule: Schedule,
  includes: ReadonlySet<string>,
) {
  if (!includes.has('schedules')) {
    return refer('schedule_reference', `schedules/${schedule.id}`, schedule.name);
  }
  const { userNames, teams } = indexContext(refer, index);
  const policies = index.config.policies.filter((policy) => usesSchedule(policy, schedule.id));
  return scheduleJson(schedule, { refer, userNames, teams, policies });
}
