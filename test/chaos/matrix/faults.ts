import type { Activities, ProjectionBatch } from '../../../activities/contract.ts';
import type { Delivery } from '../../../domain/responder/types.ts';
import type { Cast } from './accounts.ts';

/**
 * What is done to one activity of one account. `fails`: the first tries do nothing and fail. `twice`: the first
 * try does its work and its result is lost. `killed_before`, `killed_after`: it stands still before or after its
 * work, until the worker is killed.
 */
export const FAULT_KINDS = ['fails', 'twice', 'killed_before', 'killed_after'] as const;

export interface Fault {
  readonly account: string;
  readonly activity: keyof Activities;
  readonly kind: (typeof FAULT_KINDS)[number];
  /** Calls that go well before; absent: none. */
  readonly spared?: number;
}

/** The argument of worker.ts, as JSON. */
export interface WorkerTask {
  readonly address: string;
  readonly namespace: string;
  readonly casts: readonly Cast[];
  readonly faults: readonly Fault[];
}

/** What the worker process tells, in the order in which it happened. `atMs`: milliseconds since 1970. */
export type LedgerLine = { readonly atMs: number } & (
  | { readonly type: 'ready' }
  /** The fault has come about. */
  | { readonly type: 'struck'; readonly fault: Fault }
  /** A provider has taken this message. */
  | { readonly type: 'sent'; readonly delivery: Delivery }
  | { readonly type: 'projected'; readonly batch: ProjectionBatch }
);
/** A line before it has its instant. */
export type LedgerFact = LedgerLine extends infer L
  ? L extends LedgerLine
    ? Omit<L, 'atMs'>
    : never
  : never;

type Activity = (...args: readonly unknown[]) => Promise<unknown>;

/** The activities with their faults; `struck` hears of each. */
export function withFaults(
  activities: Readonly<Record<string, Activity>>,
  faults: readonly Fault[],
  struck: (fault: Fault) => void,
): Record<string, Activity> {
  const left = new Map(faults.map((fault) => [fault, failuresOf(fault)]));
  const spared = new Map(faults.map((fault) => [fault, fault.spared ?? 0]));
  const faulty = (name: string, activity: Activity): Activity => {
    return async (...args) => {
      const text = JSON.stringify(args);
      const fault = faults.find((one) => one.activity === name && text.includes(one.account));
      if (!fault || !left.get(fault)) return activity(...args);
      const toSpare = spared.get(fault) ?? 0;
      if (toSpare > 0) {
        spared.set(fault, toSpare - 1);
        return activity(...args);
      }
      if (fault.kind === 'fails' || fault.kind === 'twice') {
        left.set(fault, (left.get(fault) ?? 0) - 1);
        if (fault.kind === 'twice') await activity(...args);
        struck(fault);
        throw new Error(`${name}: injected fault`);
      }
      if (fault.kind === 'killed_after') await activity(...args);
      struck(fault);
      return new Promise<never>(() => undefined);
    };
  };
  return Object.fromEntries(
    Object.entries(activities).map(([name, activity]) => [name, faulty(name, activity)]),
  );
}

/** A delivery that fails twice is taken up again a minute later only, which would be another story. */
function failuresOf({ kind, activity }: Fault): number {
  return kind === 'fails' && activity !== 'deliver' ? 2 : 1;
}
