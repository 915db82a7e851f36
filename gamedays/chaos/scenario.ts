import type { Limits } from '../checker/limits.ts';
import type { LoadShape } from '../load/plan-load.ts';
import type { Random } from '../random.ts';
import type { PlannedFault } from './planned-fault.ts';

/** One kind of chaos run. */
export interface Scenario {
  /** As it is asked for on the command line. */
  readonly name: string;
  /** What it shows, in a sentence. */
  readonly title: string;
  /** Of the specification's figures. */
  readonly figures: readonly string[];
  /** Of load, in the long form. */
  readonly minutes: number;
  readonly apis: number;
  readonly workers: number;
  /** Of PostgreSQL, of which one must have what is committed; none unless given. */
  readonly standbys?: number;
  /** Whether the clocks of apis and workers can be set, which needs libfaketime; they cannot unless given. */
  readonly clocks?: boolean;
  /** And as many services. */
  readonly people: number;
  /** From each step of a policy to the next, whole minutes; one unless given. */
  readonly stepMs?: number;
  readonly load: Omit<LoadShape, 'durationMs'>;
  /** What differs from the usual limits. */
  readonly limits?: Partial<Limits>;
  /** The same random numbers give the same plan. Faults end before `durationMs`. */
  readonly plan: (random: Random, durationMs: number) => readonly PlannedFault[];
  /** Whether no page can be expected while a fault is on; nothing stops paging unless given. */
  readonly stopsPaging?: (fault: PlannedFault) => boolean;
}

/** A stretch of load, in which most alerts are answered, some resolve, some come again, and some escalate. */
export const USUAL_LOAD: Scenario['load'] = {
  newPerSec: 2,
  repeats: 1,
  resolving: 0.5,
  reopening: 0.2,
  onMs: [20_000, 90_000],
  ignored: 0.2,
  resolvingAnswers: 0.4,
  thinkMs: [500, 10_000],
};

/** Without the engine nothing is decided; everything else has a second way. */
export function needsEngine(fault: PlannedFault): boolean {
  if (fault.kind !== 'lease') return fault.process === 'temporal';
  return fault.fault.kind === 'stop' && fault.fault.process === 'temporal';
}

/** What most scenarios have. */
export const USUAL = { apis: 1, workers: 1, people: 120, minutes: 5, load: USUAL_LOAD } as const;

/** Share of a run before the first fault, in which all is well. */
const STEADY = 0.1;

/** The same fault again and again, with pauses as long, so that recovery is seen each time. */
export function again(
  durationMs: number,
  forMs: number,
  fault: (n: number) => Extract<PlannedFault, { kind: 'lease' }>['fault'],
): readonly PlannedFault[] {
  const first = durationMs * STEADY;
  const count = Math.max(1, Math.floor((durationMs - first) / (2 * forMs)));
  const each = Math.min(forMs, (durationMs - first) / 2);
  return Array.from({ length: count }, (_, n) => {
    return { kind: 'lease', atMs: first + n * 2 * each, forMs: each, fault: fault(n) } as const;
  });
}
