import { WallClock } from './wall-clock.ts';

export const DAY_MS = 86_400_000;
/** Of one seed. */
export const DAYS = 14;
/** Rotations begin before the stretch, and handoffs after it are asked for too. */
const AROUND_DAYS = 16;

interface Season {
  /** `MM-DD`, in UTC. */
  readonly start: string;
  /** Zones whose clocks change within the fortnight, and some whose clocks never do. */
  readonly zones: readonly [string, ...string[]];
}

/** Fortnights in which clocks change somewhere, whichever the year: forward, back, and by half an hour. */
const SEASONS: readonly [Season, ...Season[]] = [
  { start: '03-07', zones: ['America/New_York', 'America/Los_Angeles', 'Etc/UTC'] },
  {
    start: '03-24',
    zones: ['Europe/Zurich', 'Europe/London', 'Australia/Sydney', 'Australia/Lord_Howe'],
  },
  { start: '09-27', zones: ['Australia/Sydney', 'Australia/Lord_Howe', 'Asia/Kolkata'] },
  { start: '10-25', zones: ['Europe/Zurich', 'America/New_York', 'America/Los_Angeles'] },
];

/** A fortnight on the virtual clock of one server. */
export interface Stretch {
  readonly startMs: number;
  readonly endMs: number;
  readonly zones: readonly [string, ...string[]];
  readonly clockOf: (zone: string) => WallClock;
  /** When the clocks of a zone change within it. */
  readonly changesOf: (zone: string) => readonly number[];
}

/** How many different fortnights there are; a seed belongs to that of its remainder. */
export const STRETCHES = SEASONS.length;

/** The next one of this season that a server whose clock shows `nowMs` can still come to. */
export function stretchAfter(nowMs: number, seed: number): Stretch {
  const { start, zones } = SEASONS[seed % STRETCHES] ?? SEASONS[0];
  const year = new Date(nowMs).getUTCFullYear();
  const [now = 0, next = 0] = [year, year + 1].map((one) => Date.parse(`${one}-${start}T00:00Z`));
  const startMs = now > nowMs ? now : next;
  const endMs = startMs + DAYS * DAY_MS;
  const clocks = new Map<string, WallClock>();
  const clockOf = (zone: string): WallClock => {
    const around = AROUND_DAYS * DAY_MS;
    const clock = clocks.get(zone) ?? new WallClock(zone, startMs - around, endMs + around);
    clocks.set(zone, clock);
    return clock;
  };
  const changesOf = (zone: string) => clockOf(zone).changes(startMs, endMs);
  return { startMs, endMs, zones, clockOf, changesOf };
}
