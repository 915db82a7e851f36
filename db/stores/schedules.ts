import type { Override, Schedule, ScheduleLayer } from '../../domain/model.ts';
import { createTable, type Trx } from './table.ts';

/** A schedule's own columns. */
export type ScheduleRecord = Omit<Schedule, 'overrides'>;

interface ScheduleRow {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly time_zone: string;
  readonly layers: readonly ScheduleLayer[];
  readonly team_ids: readonly string[];
}

export const schedules = createTable<ScheduleRow, ScheduleRecord>({
  name: 'schedules',
  search: ['name'],
  orderBy: 'name',
  toItem: (row) => ({
    id: row.id,
    name: row.name,
    description: row.description,
    timeZone: row.time_zone,
    layers: row.layers,
    teamIds: row.team_ids,
  }),
  toRow: (schedule) => ({
    name: schedule.name,
    description: schedule.description,
    time_zone: schedule.timeZone,
    layers: JSON.stringify(schedule.layers),
    team_ids: [...schedule.teamIds],
  }),
});

/** An override and the schedule that it belongs to. */
export type OverrideRecord = Override & { readonly scheduleId: string };

interface OverrideRow {
  readonly id: string;
  readonly schedule_id: string;
  readonly user_id: string;
  readonly starts_at: string;
  readonly ends_at: string;
  readonly created_at: string;
}

export const overrides = createTable<OverrideRow, OverrideRecord>({
  name: 'schedule_overrides',
  search: [],
  orderBy: 'starts_at',
  toItem: (row) => ({
    id: row.id,
    scheduleId: row.schedule_id,
    userId: row.user_id,
    start: row.starts_at,
    end: row.ends_at,
    createdAt: row.created_at,
  }),
  toRow: (override) => ({
    schedule_id: override.scheduleId,
    user_id: override.userId,
    starts_at: override.start,
    ends_at: override.end,
    created_at: override.createdAt,
  }),
});

/** Schedules with their overrides, in the order of `records`. */
export async function completeSchedules(
  trx: Trx,
  records: readonly ScheduleRecord[],
): Promise<readonly Schedule[]> {
  const found = await overrides.where(
    trx,
    'schedule_id',
    records.map((record) => record.id),
  );
  return records.map((record) => ({
    ...record,
    overrides: found.filter((override) => override.scheduleId === record.id),
  }));
}
