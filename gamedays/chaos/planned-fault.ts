import type { Fault } from '../faults/fault.ts';

interface At {
  /** After the start of the run. */
  readonly atMs: number;
}

/** One fault of a run's plan. */
export type PlannedFault =
  | (At & {
      readonly kind: 'lease';
      readonly forMs: number;
      readonly fault: Exclude<Fault, { kind: 'kill' | 'drop_backends' }>;
    })
  /** SIGKILL; over when the process works again. */
  | (At & { readonly kind: 'kill'; readonly process: string })
  /** SIGKILL, and nobody starts it again for so long. */
  | (At & {
      readonly kind: 'down';
      readonly process: 'postgres' | 'temporal';
      readonly forMs: number;
    });

/** For people and for the ledger: `hang sms-a`, `kill worker-1`. */
export function nameOfFault(planned: PlannedFault): string {
  if (planned.kind !== 'lease') return `${planned.kind} ${planned.process}`;
  const { fault } = planned;
  switch (fault.kind) {
    case 'mood':
      return `${fault.mood.kind} ${fault.simulators}/${fault.mood.door}`;
    case 'stop':
    case 'clock':
      return `${fault.kind} ${fault.process}`;
    case 'read_only':
      return `read-only ${fault.postgres}`;
    default:
      return `${fault.kind} ${fault.link}`;
  }
}
