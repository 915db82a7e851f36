/** Bounds of a breaker. Times in milliseconds. */
export const BREAKER = {
  /** So many failures in a row open it. */
  failures: 3,
  /** After the first failure the provider is asked for its health, so that it opens without any page too. */
  suspectEveryMs: 2000,
  /** While it is open, the provider is asked for its health this often. */
  probeEveryMs: 15_000,
  /** So many successes of real messages close it again. */
  successes: 3,
  /** A trial of which nothing was heard for this long is given up. */
  trialMs: 20_000,
  /** A provider that asks to be left alone is, but no longer than this. */
  pauseMs: 60_000,
} as const;

/**
 * What one process knows of one provider for one channel. `closed`: it is used. `open`: it is not, unless there
 * is nothing else. `half_open`: it said that it is well; real messages try it, one at a time.
 */
export type BreakerState = {
  /** It is left alone until then. */
  readonly pausedUntilMs: number;
} & (
  | {
      readonly phase: 'closed';
      /** In a row. */
      readonly failures: number;
      /** Null while nothing is suspected. */
      readonly probeAtMs: number | null;
    }
  | { readonly phase: 'open'; readonly probeAtMs: number; readonly trialSinceMs: number | null }
  | {
      readonly phase: 'half_open';
      readonly successes: number;
      readonly trialSinceMs: number | null;
    }
);

/**
 * What a message may do with a provider. `trial`: go there first and alone. `free`: as usual. `doubtful`: when
 * no free one took it. `last`: when nothing else did, alone. `refused`: not now.
 */
export type Admission = 'trial' | 'free' | 'doubtful' | 'last' | 'refused';

export const CLOSED: BreakerState = {
  ...{ phase: 'closed', failures: 0, probeAtMs: null, pausedUntilMs: 0 },
};

export function admission(state: BreakerState, nowMs: number): Admission {
  if (nowMs < state.pausedUntilMs) return 'refused';
  if (state.phase === 'closed') return 'free';
  const busy = state.trialSinceMs !== null && nowMs < state.trialSinceMs + BREAKER.trialMs;
  if (state.phase === 'half_open') return busy ? 'doubtful' : 'trial';
  return busy ? 'refused' : 'last';
}

/** A message is on its way to the provider. */
export function began(state: BreakerState, nowMs: number): BreakerState {
  return state.phase === 'closed' || ['doubtful', 'refused'].includes(admission(state, nowMs))
    ? state
    : { ...state, trialSinceMs: nowMs };
}

/** The provider took a message. */
export function succeeded(state: BreakerState): BreakerState {
  if (state.phase === 'closed') return state.failures === 0 ? state : CLOSED;
  const successes = state.phase === 'half_open' ? state.successes + 1 : 1;
  if (successes >= BREAKER.successes) return CLOSED;
  return { ...halfOpen(state), successes };
}

/** The provider failed with a message: no connection, no answer in time, or an answer that is its own fault. */
export function failed(state: BreakerState, nowMs: number): BreakerState {
  switch (state.phase) {
    case 'closed': {
      const failures = state.failures + 1;
      if (failures >= BREAKER.failures) return opened(state, nowMs);
      const probeAtMs = state.probeAtMs ?? nowMs + BREAKER.suspectEveryMs;
      return { ...state, failures, probeAtMs };
    }
    case 'open':
      return { ...state, trialSinceMs: null };
    case 'half_open':
      return opened(state, nowMs);
  }
}

/** The message itself was at fault, or the person’s address: it says nothing about the provider. */
export function undecided(state: BreakerState): BreakerState {
  return state.phase === 'closed' ? state : { ...state, trialSinceMs: null };
}

/** The provider asked to be left alone for a while, at most a minute. */
export function paused(state: BreakerState, forMs: number, nowMs: number): BreakerState {
  const pausedUntilMs = Math.max(state.pausedUntilMs, nowMs + Math.min(forMs, BREAKER.pauseMs));
  return { ...undecided(state), pausedUntilMs };
}

/** When the provider should be asked for its health; null: not at all. */
export function probeDueMs(state: BreakerState): number | null {
  return state.phase === 'half_open' ? null : state.probeAtMs;
}

/** A question for its health begins: no second one beside it. */
export function probing(state: BreakerState, nowMs: number): BreakerState {
  return state.phase === 'half_open' || state.probeAtMs === null
    ? state
    : { ...state, probeAtMs: nowMs + BREAKER.probeEveryMs };
}

/**
 * The answer about its health. Good: an open breaker lets messages try. That alone never closes it, nor does
 * it excuse failures: a provider may be well and still take nothing.
 */
export function probed(state: BreakerState, healthy: boolean, nowMs: number): BreakerState {
  switch (state.phase) {
    case 'closed': {
      if (state.failures === 0) return state;
      if (healthy) return { ...state, probeAtMs: nowMs + BREAKER.probeEveryMs };
      return failed({ ...state, probeAtMs: nowMs + BREAKER.suspectEveryMs }, nowMs);
    }
    case 'open':
      return healthy ? halfOpen(state) : state;
    case 'half_open':
      return state;
  }
}

function opened({ pausedUntilMs }: BreakerState, nowMs: number): BreakerState {
  const probeAtMs = nowMs + BREAKER.probeEveryMs;
  return { phase: 'open', probeAtMs, trialSinceMs: null, pausedUntilMs };
}

function halfOpen({
  pausedUntilMs,
}: BreakerState): Extract<BreakerState, { readonly phase: 'half_open' }> {
  return { phase: 'half_open', successes: 0, trialSinceMs: null, pausedUntilMs };
}
