import type { AlertEvent } from './event.ts';

/** A heartbeat's whole memory; carried into a fresh history. Times are ISO strings. */
export interface HeartbeatState {
  readonly accountId: string;
  readonly integrationId: string;
  readonly lastBeatAt: string;
  readonly timeoutSec: number;
  /** When the missed beat was noticed; null while beats come. */
  readonly missedAt: string | null;
}

/** What a beat tells the workflow. */
export interface Beat {
  /** By the clock of the api that took it. */
  readonly at: string;
  /** 0 for what goes straight to the engine; absent in beats of before this was told: their `at` is believed. */
  readonly waitedMs?: number;
  /** As the integration is set when the beat comes. */
  readonly timeoutSec: number;
}

/** Milliseconds beside the timeout: beats closer together than this are taken for one. */
export const BEAT_GRACE_MS = 1000;
/**
 * A look that comes this many milliseconds late says that the engine itself was away, and so perhaps no beat
 * could be recorded: senders then get the whole timeout once more.
 */
const ENGINE_AWAY_MS = 30_000;

/** When a missing beat is looked for next; null after it was missed, until beats come again. */
export function beatDueAt(state: HeartbeatState): number | null {
  if (state.missedAt !== null) return null;
  return Date.parse(state.lastBeatAt) + state.timeoutSec * 1000 + BEAT_GRACE_MS;
}

/** A beat counts from now when the api's clock and the engine's differ by more than this, milliseconds. */
const AGREED_MS = 10_000;

function agreed(beat: Beat, now: string): string {
  if (beat.waitedMs === undefined) return beat.at;
  return Math.abs(Date.parse(beat.at) - Date.parse(now)) <= AGREED_MS ? beat.at : now;
}

/** A beat: never an older one over a newer; the event, when there is one, ends the incident. */
export function takeBeat(known: HeartbeatState, told: Beat, now: string): Step {
  const beat = { ...told, at: agreed(told, now) };
  // The first beat's time is the start's as well: of an api whose clock was ahead.
  const isAhead =
    told.waitedMs !== undefined && known.lastBeatAt > beat.at && known.lastBeatAt > now;
  const state = isAhead ? { ...known, lastBeatAt: beat.at } : known;
  const isNewer = beat.at > state.lastBeatAt;
  const lastBeatAt = isNewer ? beat.at : state.lastBeatAt;
  const timeoutSec = isNewer ? beat.timeoutSec : state.timeoutSec;
  const next = { ...state, lastBeatAt, timeoutSec };
  if (state.missedAt === null || beat.at < state.missedAt) return { state: next, event: null };
  return { state: { ...next, missedAt: null }, event: eventOf(next, 'resolve', beat.at) };
}

/** The clock reached `beatDueAt`. */
export function missBeat(state: HeartbeatState, nowMs: number): Step {
  const due = beatDueAt(state);
  if (due === null || nowMs < due) return { state, event: null };
  const now = new Date(nowMs).toISOString();
  if (nowMs - due > ENGINE_AWAY_MS) return { state: { ...state, lastBeatAt: now }, event: null };
  return { state: { ...state, missedAt: now }, event: eventOf(state, 'trigger', now) };
}

/** A state, and the event that the change to it sends to the service. */
export interface Step {
  readonly state: HeartbeatState;
  readonly event: AlertEvent | null;
}

function eventOf(state: HeartbeatState, action: 'trigger' | 'resolve', at: string): AlertEvent {
  const { integrationId, lastBeatAt, timeoutSec } = state;
  return {
    eventId: `${integrationId}-${action}-${at}`,
    action,
    integrationId,
    dedupKey: 'heartbeat',
    receivedAt: at,
    payload:
      action === 'resolve'
        ? null
        : {
            summary: `Heartbeat missed: none for ${timeoutSec} seconds`,
            source: 'heartbeat',
            severity: 'critical',
            timestamp: at,
            component: null,
            group: null,
            class: 'heartbeat',
            customDetails: { last_beat_at: lastBeatAt, timeout_seconds: timeoutSec },
          },
    client: null,
    clientUrl: null,
    links: [],
    images: [],
    traceparent: null,
  };
}
