import type { AccountConfig, Urgency } from '../../domain/model.ts';
import { createRandom, type Random } from '../../gamedays/random.ts';
import { planAccount } from './plan-account.ts';
import { DAY_MS, type Stretch } from './stretches.ts';

/** What a person or the monitoring tool does about the alert of a seed. */
export type Move =
  | { readonly kind: 'trigger' }
  | { readonly kind: 'resolve_event' }
  | { readonly kind: 'acknowledge' | 'note' | 'resolve'; readonly by: string }
  /** From the phone, by whoever was paged last: null until it is known who that is. */
  | { readonly kind: 'answer'; readonly by: string | null }
  | { readonly kind: 'snooze'; readonly by: string; readonly minutes: number }
  | { readonly kind: 'reassign'; readonly by: string; readonly to: readonly string[] }
  /** To the next rule, or to the one with this index. */
  | { readonly kind: 'escalate'; readonly by: string; readonly ruleIndex: number | null };

export interface PlannedMove {
  readonly atMs: number;
  readonly move: Move;
}

/** Everything that is random about one seed. */
export interface SeedPlan {
  readonly seed: number;
  readonly account: AccountConfig;
  /** Of the alert's event, if the service goes by severities. */
  readonly severity: 'critical' | 'warning';
  readonly urgency: Urgency;
  /** In the order of time; the first is the trigger. */
  readonly moves: readonly PlannedMove[];
}

const MINUTE = 60_000;
const MOVES_MAX = 5;
/**
 * Seconds of the minute between the moves of one seed. All waiting times are whole minutes, so that no move falls
 * on what is due because of another one: which of two comes first at one instant is a question of its own (F10).
 */
const APART_SEC = 9;

/** The same seed in the same stretch gives the same plan. */
export function planSeed(seed: number, stretch: Stretch): SeedPlan {
  const random = createRandom(`timers ${seed}`);
  const zone = random.pick(stretch.zones);
  const account = planAccount({ seed, zone, stretch, random: random.fork('account') });
  const severity = random.pick<SeedPlan['severity']>(['critical', 'critical', 'warning']);
  const rule = account.services[0]?.urgencyRule;
  const bySeverity = severity === 'warning' ? 'low' : 'high';
  return {
    ...{ seed, account, severity },
    urgency: rule === 'high' || rule === 'low' ? rule : bySeverity,
    moves: planMoves(account, { stretch, zone }, random.fork('moves')),
  };
}

function planMoves(
  account: AccountConfig,
  { stretch, zone }: { readonly stretch: Stretch; readonly zone: string },
  random: Random,
): readonly PlannedMove[] {
  const triggerMs = wholeMinute(triggerTime({ stretch, zone }, random));
  const phaseMs = random.int(3000, 3000 + APART_SEC * 900);
  const count = random.chance(0.4) ? 0 : random.int(1, MOVES_MAX);
  const reachMs = random.pick([MINUTE * 20, MINUTE * 120, DAY_MS, 4 * DAY_MS]);
  const others = Array.from({ length: count }, (_, n) => {
    const minuteMs = wholeMinute(triggerMs + MINUTE + random.next() * reachMs);
    return {
      atMs: minuteMs + phaseMs + (n + 1) * APART_SEC * 1000,
      move: planMove(account, random),
    };
  });
  const trigger = { atMs: triggerMs + phaseMs, move: { kind: 'trigger' } } as const;
  return [trigger, ...others.filter(({ atMs }) => atMs < stretch.endMs).sort(byTime)];
}

/** Half of the alerts come within a day before the clocks change, so that steps lie on both sides of it. */
function triggerTime(
  { stretch, zone }: { readonly stretch: Stretch; readonly zone: string },
  random: Random,
): number {
  const [change] = stretch.changesOf(zone);
  if (change !== undefined && random.chance(0.5)) return change - random.next() * DAY_MS;
  return stretch.startMs + DAY_MS + random.next() * 8 * DAY_MS;
}

function planMove(account: AccountConfig, random: Random): Move {
  const [first = '', ...rest] = account.users.map(({ id }) => id);
  const someone = (): string => random.pick([first, ...rest]);
  const by = someone();
  const rules = account.policies[0]?.rules.length ?? 1;
  const moves: readonly [Move, ...Move[]] = [
    { kind: 'acknowledge', by },
    { kind: 'acknowledge', by },
    { kind: 'answer', by: null },
    { kind: 'answer', by: null },
    { kind: 'snooze', by, minutes: random.pick([2, 5, 60, 24 * 60, 7 * 24 * 60]) },
    { kind: 'snooze', by, minutes: random.int(2, 600) },
    { kind: 'reassign', by, to: [...new Set([someone(), someone()])] },
    { kind: 'escalate', by, ruleIndex: random.chance(0.5) ? null : random.int(0, rules - 1) },
    { kind: 'note', by },
    { kind: 'trigger' },
    { kind: 'resolve', by },
    { kind: 'resolve_event' },
  ];
  return random.pick(moves);
}

function wholeMinute(ms: number): number {
  return Math.floor(ms / MINUTE) * MINUTE;
}

function byTime(a: PlannedMove, b: PlannedMove): number {
  return a.atMs - b.atMs;
}
