import type { EscalationPolicy, Schedule, ScheduleLayer, Team } from '../../domain/model.ts';
import {
  renderLayer,
  renderOverrides,
  renderSchedule,
  type RenderedEntry,
} from '../../domain/schedule/schedule.ts';
import type { OverrideRecord } from '../../db/stores/schedules.ts';
import type { Refer } from './shared/references.ts';
import { teamReference, userReference } from './user-json.ts';

/** What a schedule's references are shown with. */
export interface ScheduleContext {
  readonly refer: Refer;
  readonly userNames: ReadonlyMap<string, string>;
  readonly teams: ReadonlyMap<string, Team>;
  readonly policies: readonly EscalationPolicy[];
  /** Absent: nothing is rendered. */
  readonly range?: { readonly since: string; readonly until: string };
}

/** A schedule as PagerDuty shows one; the layers as they were given, rendered with a range. */
export function scheduleJson(schedule: Schedule, context: ScheduleContext) {
  const { refer, range } = context;
  const users = [...new Set(schedule.layers.flatMap((layer) => layer.userIds))];
  return {
    ...refer('schedule', `schedules/${schedule.id}`, schedule.name),
    name: schedule.name,
    description: schedule.description ?? '',
    time_zone: schedule.timeZone,
    schedule_layers: schedule.layers.map((layer) => layerJson(schedule, layer, context)),
    escalation_policies: context.policies.map((policy) =>
      refer('escalation_policy_reference', `escalation_policies/${policy.id}`, policy.name),
    ),
    users: users.map((id) => userOf(id, context)),
    teams: schedule.teamIds.flatMap((id) => {
      const team = context.teams.get(id);
      return team ? [teamReference(refer, team)] : [];
    }),
    ...(range ? renderedJson(schedule, range, context) : {}),
  };
}

function renderedJson(
  schedule: Schedule,
  range: { readonly since: string; readonly until: string },
  context: ScheduleContext,
) {
  const { since, until } = range;
  return {
    final_schedule: subSchedule(
      'Final Schedule',
      renderSchedule(schedule, since, until),
      range,
      context,
    ),
    overrides_subschedule: subSchedule(
      'Overrides',
      renderOverrides(schedule.overrides, since, until),
      range,
      context,
    ),
  };
}

function subSchedule(
  name: string,
  entries: readonly RenderedEntry[],
  range: { readonly since: string; readonly until: string },
  context: ScheduleContext,
) {
  return { name, ...entriesJson(entries, range, context) };
}

function entriesJson(
  entries: readonly RenderedEntry[],
  { since, until }: { readonly since: string; readonly until: string },
  context: ScheduleContext,
) {
  const wholeMs = Date.parse(until) - Date.parse(since);
  const coveredMs = entries.reduce(
    (sum, entry) => sum + Date.parse(entry.end) - Date.parse(entry.start),
    0,
  );
  return {
    rendered_schedule_entries: entries.map((entry) => ({
      start: entry.start,
      end: entry.end,
      user: userOf(entry.userId, context),
    })),
    // PagerDuty's percentages have one decimal
    rendered_coverage_percentage: wholeMs > 0 ? Math.round((coveredMs / wholeMs) * 1000) / 10 : 0,
  };
}

function layerJson(schedule: Schedule, layer: ScheduleLayer, context: ScheduleContext) {
  const { range } = context;
  return {
    id: layer.id,
    name: layer.name,
    start: layer.start,
    end: layer.end,
    rotation_virtual_start: layer.rotationVirtualStart,
    rotation_turn_length_seconds: layer.rotationTurnLengthSeconds,
    users: layer.userIds.map((id) => ({ user: userOf(id, context) })),
    restrictions: layer.restrictions.map((restriction) => ({
      type: restriction.type,
      start_time_of_day: restriction.startTimeOfDay,
      duration_seconds: restriction.durationSeconds,
      ...(restriction.startDayOfWeek === undefined
        ? {}
        : { start_day_of_week: restriction.startDayOfWeek }),
    })),
    ...(range
      ? entriesJson(renderLayer(layer, schedule.timeZone, range), range, context)
      : { rendered_schedule_entries: [], rendered_coverage_percentage: 0 }),
  };
}

export function overrideJson(override: OverrideRecord, context: ScheduleContext) {
  const path = `schedules/${override.scheduleId}/overrides/${override.id}`;
  return {
    ...context.refer('override', path, `${override.start} to ${override.end}`),
    start: override.start,
    end: override.end,
    user: userOf(override.userId, context),
  };
}

function userOf(id: string, { refer, userNames }: ScheduleContext) {
  return userReference(refer, { id, name: userNames.get(id) ?? id });
}
