import type { EscalationPolicy, Schedule, ScheduleLayer, Team } from '../../domain/model.ts';
import {
  renderLayer,
  renderOverrides,
  renderSchedule,
  type RenderedEntry,
} from '../../domain/schedule/schedule.ts';
import type { OverrideRecord } from '../../db/stores/schedules.ts';
import type { Refer } from './shared/references.ts';
import type { Range } from './shared/schedule-input.ts';
import { teamReference, userReference } from './user-json.ts';

/** What a schedule's references are shown with. */
export interface ScheduleContext {
  readonly refer: Refer;
  readonly userNames: ReadonlyMap<string, string>;
  readonly teams: ReadonlyMap<string, Team>;
  readonly policies: readonly EscalationPolicy[];
  /** Absent: nothing is rendered. */
  readonly range?: Range;
  /** Shows when this user is on call next, from `now`. */
  readonly next?: { readonly userId: string; readonly now: string };
}

/** How far `next` looks ahead. */
const NEXT_MS = 90 * 86_400_000;
/** An entry that passes the range is shown whole as far as one turn goes, and this much at least. */
const OVERFLOW_MS = 8 * 86_400_000;

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
    ...nextJson(schedule, context),
  };
}

function nextJson(schedule: Schedule, context: ScheduleContext) {
  if (!context.next) return {};
  const { userId, now } = context.next;
  const until = new Date(Date.parse(now) + NEXT_MS).toISOString();
  const entry = renderSchedule(schedule, now, until).find((item) => item.userId === userId);
  if (!entry) return {};
  const { start, end } = entry;
  return { next_oncall_for_user: { start, end, user: userOf(userId, context) } };
}

function renderedJson(schedule: Schedule, range: Range, context: ScheduleContext) {
  const sub = (name: string, render: Render) => ({
    name,
    ...entriesJson(entriesOf(schedule, range, render), range, context),
  });
  return {
    final_schedule: sub('Final Schedule', (since, until) => renderSchedule(schedule, since, until)),
    overrides_subschedule: sub('Overrides', (since, until) =>
      renderOverrides(schedule.overrides, since, until),
    ),
  };
}

type Render = (since: string, until: string) => readonly RenderedEntry[];

function entriesOf(
  { layers }: Schedule,
  { since, until, overflow }: Range,
  render: Render,
): readonly RenderedEntry[] {
  if (!overflow) return render(since, until);
  const turnsMs = layers.map((layer) => layer.rotationTurnLengthSeconds * 1000);
  const moreMs = Math.max(OVERFLOW_MS, ...turnsMs);
  const moved = (instant: string, ms: number) => new Date(Date.parse(instant) + ms).toISOString();
  const wide = render(moved(since, -moreMs), moved(until, moreMs));
  return wide.filter((entry) => entry.start < until && entry.end > since);
}

function entriesJson(
  entries: readonly RenderedEntry[],
  { since, until }: Range,
  context: ScheduleContext,
) {
  const [sinceMs, untilMs] = [Date.parse(since), Date.parse(until)];
  const wholeMs = untilMs - sinceMs;
  const coveredMs = entries.reduce(
    (sum, { start, end }) =>
      sum + Math.min(Date.parse(end), untilMs) - Math.max(Date.parse(start), sinceMs),
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
      ? entriesJson(
          entriesOf(schedule, range, (since, until) =>
            renderLayer(layer, schedule.timeZone, { since, until }),
          ),
          range,
          context,
        )
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
