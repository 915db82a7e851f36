import type { Fault } from '../faults/fault.ts';
import type { FaultWindow } from '../ledgers/records.ts';
import { heldBy } from './topology.ts';

interface At {
  /** After the start of the run. */
  readonly atMs: number;
}

/** One fault of a run's plan. It knows no ports: a link that is repointed leads to a server by its name. */
export type PlannedFault =
  | (At & {
      readonly kind: 'lease';
      readonly forMs: number;
      readonly fault: Exclude<Fault, { kind: 'kill' | 'drop_backends' }>;
    })
  /** SIGKILL; over when the process works again. */
  | (At & { readonly kind: 'kill'; readonly process: string })
  /** SIGKILL, and nobody starts it again for so long. */
  | (At & { readonly kind: 'down'; readonly process: string; readonly forMs: number })
  /** SIGKILL of the primary, for good; after so long a standby takes over, and the product's address leads to it. */
  | (At & { readonly kind: 'failover'; readonly process: 'postgres'; readonly forMs: number });

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
    case 'repoint':
      return `${fault.link} to ${fault.target}, cut at ${fault.cut}`;
    default:
      return `${fault.kind} ${fault.link}`;
  }
}

/** Of which channels messages may meet it; undefined: of none. */
export function channelsOf(planned: PlannedFault): FaultWindow['channels'] {
  if (planned.kind !== 'lease') return undefined;
  const { fault } = planned;
  if (fault.kind === 'mood') return [fault.mood.door];
  return 'link' in fault ? heldBy(fault.link)?.channels : undefined;
}

/** What became of texts is not even told when asked; a call is asked about. */
export function silencesOf(planned: PlannedFault): Pick<FaultWindow, 'silences'> {
  if (planned.kind !== 'lease' || planned.fault.kind !== 'mood') return {};
  const { simulators: provider, mood } = planned.fault;
  if (mood.kind !== 'silent' || mood.door !== 'sms') return {};
  return { silences: { provider, channels: ['sms'] } };
}

/** What the product has to notice of PostgreSQL while it is on; undefined: nothing. */
export function databaseOf(planned: PlannedFault): FaultWindow['database'] {
  if (planned.kind === 'lease') {
    const { fault } = planned;
    const isReadOnly =
      fault.kind === 'read_only' || (fault.kind === 'repoint' && fault.link === 'postgres');
    return isReadOnly ? { mode: 'read_only', takenOver: false } : undefined;
  }
  if (planned.process !== 'postgres' || planned.kind === 'kill') return undefined;
  return { mode: 'unavailable', takenOver: planned.kind === 'failover' };
}
