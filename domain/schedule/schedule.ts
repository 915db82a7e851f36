import type { Override, Schedule, ScheduleLayer } from '../model.ts';
import { layerAt, type Duty } from './layer.ts';

/** Most changes that one rendering follows (13 months of hourly turns); it ends there. */
const RENDERED_CHANGES_MAX = 10_000;

/** One stretch of duty; `start` is inside, `end` is not. */
export interface RenderedEntry {
  readonly start: string;
  readonly end: string;
  readonly userId: string;
}

/**
 * Who is on call at `instantIso`: the override created last, else the last layer in the list that has
 * somebody, else nobody. Total: what cannot be read counts as nobody.
 */
export function onCallAt(schedule: Schedule, instantIso: string): string | null {
  return dutyAt(schedule, Date.parse(instantIso)).userId;
}

/** As `onCallAt`, with the instant until which it holds at least (`Infinity`: for ever). */
function dutyAt(schedule: Schedule, atMs: number): Duty {
  if (Number.isNaN(atMs)) return { userId: null, untilMs: Infinity };
  const override = overrideAt(schedule.overrides, atMs);
  let untilMs = override.untilMs;
  if (override.userId !== null) return override;
  for (const layer of schedule.layers.toReversed()) {
    const duty = layerAt(layer, schedule.timeZone, atMs);
    untilMs = Math.min(untilMs, duty.untilMs);
    if (duty.userId !== null) return { userId: duty.userId, untilMs };
  }
  return { userId: null, untilMs };
}

/**
 * The final schedule from `sinceIso` to `untilIso`, neighbours of one person joined, gaps left out. It
 * ends after 10,000 changes.
 */
export function renderSchedule(
  schedule: Schedule,
  sinceIso: string,
  untilIso: string,
): readonly RenderedEntry[] {
  return render((atMs) => dutyAt(schedule, atMs), sinceIso, untilIso);
}

/** The same for one layer, as if it were alone. */
export function renderLayer(
  layer: ScheduleLayer,
  timeZone: string,
  range: { readonly since: string; readonly until: string },
): readonly RenderedEntry[] {
  return render((atMs) => layerAt(layer, timeZone, atMs), range.since, range.until);
}

/** The same for the overrides, as if there were no layers. */
export function renderOverrides(
  overrides: readonly Override[],
  sinceIso: string,
  untilIso: string,
): readonly RenderedEntry[] {
  return render((atMs) => overrideAt(overrides, atMs), sinceIso, untilIso);
}

function overrideAt(overrides: readonly Override[], atMs: number): Duty {
  let winner: Override | null = null;
  let untilMs = Infinity;
  for (const override of overrides) {
    const startMs = Date.parse(override.start);
    const endMs = Date.parse(override.end);
    if (startMs > atMs) untilMs = Math.min(untilMs, startMs);
    if (!(startMs <= atMs && atMs < endMs)) continue;
    untilMs = Math.min(untilMs, endMs);
    if (!winner || Date.parse(override.createdAt) >= Date.parse(winner.createdAt))
      winner = override;
  }
  return { userId: winner?.userId ?? null, untilMs };
}

function render(
  at: (atMs: number) => Duty,
  sinceIso: string,
  untilIso: string,
): readonly RenderedEntry[] {
  const endMs = Date.parse(untilIso);
  const entries: { startMs: number; endMs: number; userId: string }[] = [];
  let nowMs = Date.parse(sinceIso);
  for (let changes = 0; nowMs < endMs && changes < RENDERED_CHANGES_MAX; changes += 1) {
    const duty = at(nowMs);
    const nextMs = Math.min(duty.untilMs, endMs);
    const last = entries.at(-1);
    if (duty.userId !== null && last?.userId === duty.userId && last.endMs === nowMs) {
      last.endMs = nextMs;
    } else if (duty.userId !== null) {
      entries.push({ startMs: nowMs, endMs: nextMs, userId: duty.userId });
    }
    nowMs = nextMs;
  }
  return entries.map(({ userId, ...entry }) => ({
    start: new Date(entry.startMs).toISOString(),
    end: new Date(entry.endMs).toISOString(),
    userId,
  }));
}
