/** What one look at a part found. `detail` is short and holds no secret. */
export interface CheckResult {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** A failure was seen several times before it was told here: it is reported at once. */
  readonly confirmed?: boolean;
}

/** What is remembered of one part. Times in milliseconds since 1970. */
interface PartState {
  /** The first of the failures in a row; null while it answers. */
  readonly failingSince: number | null;
  readonly failures: number;
  readonly successes: number;
  /** The part was reported, and its recovery was not yet. */
  readonly reported: boolean;
  readonly reports: number;
  readonly lastReportAt: number | null;
}

/** All that the watchdog remembers; a fresh one knows nothing. */
export interface WatchdogState {
  readonly parts: Readonly<Record<string, PartState>>;
  readonly lastLookAt: number | null;
}

/** What people are told of a part. */
export interface Notice {
  readonly kind: 'down' | 'still_down' | 'recovered';
  readonly name: string;
  readonly sinceMs: number;
  readonly detail: string;
}

export const FRESH_WATCHDOG: WatchdogState = { parts: {}, lastLookAt: null };

/** Unless its failure is confirmed, a part is reported when it failed this often in a row … */
const FAILURES = 3;
/** … and for this long, so that a restart is no alarm. */
const FAILING_MS = 30_000;
/** This many answers in a row are a recovery. */
const SUCCESSES = 2;
/** Looks further apart than this say that the watchdog itself stood still: what it saw before is no evidence. */
const OWN_STALL_MS = 30_000;
/** Pauses between reports of a part that stays down; the last one repeats. */
const REPEAT_MS = [5, 10, 15, 30, 60].map((minutes) => minutes * 60_000);
/** A part that comes and goes is reported again no sooner than this. */
const FLAPPING_MS = REPEAT_MS[0] ?? 300_000;

const NEW_PART: PartState = {
  ...{ failingSince: null, failures: 0, successes: 0 },
  ...{ reported: false, reports: 0, lastReportAt: null },
};

/**
 * One look at all parts. With a look every 5 s a part that stops is reported within 40 s. A part that is not among
 * the results any more is forgotten.
 */
export function judge(
  state: WatchdogState,
  results: readonly CheckResult[],
  now: number,
): { readonly state: WatchdogState; readonly notices: readonly Notice[] } {
  const stalled = state.lastLookAt !== null && now - state.lastLookAt > OWN_STALL_MS;
  const judged = results.map((result) => {
    const known = state.parts[result.name] ?? NEW_PART;
    const before =
      stalled && !known.reported ? { ...known, failingSince: null, failures: 0 } : known;
    return { name: result.name, ...judgeOne(before, result, now) };
  });
  return {
    state: {
      parts: Object.fromEntries(judged.map(({ name, part }) => [name, part])),
      lastLookAt: now,
    },
    notices: judged.flatMap(({ notice }) => (notice ? [notice] : [])),
  };
}

interface Judged {
  readonly part: PartState;
  readonly notice: Notice | null;
}

function judgeOne(before: PartState, result: CheckResult, now: number): Judged {
  const { name, ok, detail } = result;
  if (!ok) return judgeFailure(before, result, now);
  const successes = before.successes + 1;
  const recovered = before.reported && successes >= SUCCESSES;
  const sinceMs = before.failingSince ?? now;
  const part = {
    ...before,
    successes,
    failures: 0,
    failingSince: before.reported && !recovered ? before.failingSince : null,
    reported: before.reported && !recovered,
    reports: recovered ? 0 : before.reports,
  };
  return { part, notice: recovered ? { kind: 'recovered', name, sinceMs, detail } : null };
}

function judgeFailure(
  before: PartState,
  { name, detail, confirmed = false }: CheckResult,
  now: number,
): Judged {
  const failingSince = before.failingSince ?? now;
  const part = { ...before, failingSince, failures: before.failures + 1, successes: 0 };
  if (!isDue(part, confirmed, now)) return { part, notice: null };
  const kind = part.reported ? 'still_down' : 'down';
  const reported = { ...part, reported: true, reports: part.reports + 1, lastReportAt: now };
  return { part: reported, notice: { kind, name, sinceMs: failingSince, detail } };
}

function isDue(part: PartState, confirmed: boolean, now: number): boolean {
  const sinceReport = part.lastReportAt === null ? Infinity : now - part.lastReportAt;
  if (part.reported) {
    const pause = REPEAT_MS[Math.min(part.reports, REPEAT_MS.length) - 1] ?? FLAPPING_MS;
    return sinceReport >= pause;
  }
  const longEnough = part.failingSince !== null && now - part.failingSince >= FAILING_MS;
  const isSure = confirmed || (part.failures >= FAILURES && longEnough);
  return isSure && sinceReport >= FLAPPING_MS;
}

/** The notices of one look as a message of at most 300 characters and its longer form. */
export function describe(notices: readonly Notice[]): {
  readonly title: string;
  readonly text: string;
} {
  const down = notices.filter(({ kind }) => kind !== 'recovered').map(({ name }) => name);
  const up = notices.filter(({ kind }) => kind === 'recovered').map(({ name }) => name);
  const parts = [
    ...(down.length > 0 ? [`down: ${down.join(', ')}`] : []),
    ...(up.length > 0 ? [`recovered: ${up.join(', ')}`] : []),
  ];
  const lines = notices.map(({ kind, name, sinceMs, detail }) => {
    const since = new Date(sinceMs).toISOString().replace('T', ' ').slice(0, 19);
    if (kind === 'recovered') return `${name}: recovered (was down since ${since} UTC)`;
    return `${name}: ${kind === 'down' ? 'down' : 'still down'} since ${since} UTC: ${detail}`;
  });
  return {
    title: `PD Lite watchdog: ${parts.join('; ')}`.slice(0, 300),
    text: lines.join('\n').slice(0, 2000),
  };
}
