import { z } from 'zod';

/** Longest time between two signs of life of a fault's owner, milliseconds. */
export const LEASE_MS = 10_000;
/** A fault ends after this even if somebody goes on renewing it. */
export const HOLD_MAX_MS = 30 * 60_000;

/** A day: clocks that are wrong by more are noticed by everybody. */
const CLOCK_MAX_MS = 86_400_000;

const name = z.string().regex(/^[a-z0-9-]{1,40}$/);
/** `down`: from the dependency to the product, so that requests arrive and answers do not. */
const direction = z.enum(['up', 'down', 'both']).default('both');

/** How a link between two processes behaves; `pass` is no fault. */
export const linkFaultSchema = z.discriminatedUnion('kind', [
  /** Nobody listens, and what was connected is cut. */
  z.strictObject({ kind: z.literal('refuse'), link: name }),
  /** Connections are accepted and reset at once; existing ones are reset too. */
  z.strictObject({ kind: z.literal('reset'), link: name }),
  /** Connections stay open and nothing moves. What waited goes on when the fault ends. */
  z.strictObject({ kind: z.literal('hang'), link: name, direction }),
  z.strictObject({
    kind: z.literal('latency'),
    link: name,
    direction,
    ms: z.number().int().min(1).max(60_000),
    /** Added at random, from none to this. */
    jitterMs: z.number().int().min(0).max(60_000).default(0),
  }),
  z.strictObject({
    kind: z.literal('bandwidth'),
    link: name,
    direction,
    bytesPerSec: z.number().int().min(16).max(1_000_000_000),
  }),
  /** Each connection is reset once so many bytes of answers came through: 0 loses every answer. */
  z.strictObject({
    kind: z.literal('cut'),
    link: name,
    afterBytes: z.number().int().min(0).max(1_000_000_000),
  }),
  /** New connections lead to another address. Those that are open stay where they are, unless they are cut. */
  z.strictObject({
    kind: z.literal('repoint'),
    link: name,
    target: z.string().regex(/^[^:]+:\d{1,5}$/),
    /** When: as the fault begins, as it ends, or each time. */
    cut: z.enum(['begin', 'end', 'both']).default('both'),
  }),
]);

const otherFaultSchema = z.discriminatedUnion('kind', [
  /** Simulated vendors behave as `mood` says (their own schema checks it). */
  z.strictObject({
    kind: z.literal('mood'),
    simulators: name,
    mood: z.looseObject({ door: z.string(), kind: z.string(), to: z.string().optional() }),
  }),
  /** SIGSTOP until the fault ends, then SIGCONT. */
  z.strictObject({ kind: z.literal('stop'), process: name }),
  /** Its clock is wrong by so many milliseconds: one that was started with `clockEnvironment`. */
  z.strictObject({
    kind: z.literal('clock'),
    process: name,
    offsetMs: z.number().int().min(-CLOCK_MAX_MS).max(CLOCK_MAX_MS),
  }),
  /** SIGKILL. Over at once: whoever keeps the process starts it again. */
  z.strictObject({ kind: z.literal('kill'), process: name }),
  /** `default_transaction_read_only` for all new transactions, connections that are busy writing are ended. */
  z.strictObject({ kind: z.literal('read_only'), postgres: name }),
  /** Ends every connection of the product. Over at once. */
  z.strictObject({ kind: z.literal('drop_backends'), postgres: name }),
]);

export const faultSchema = z.union([linkFaultSchema, otherFaultSchema]);

export type LinkFault = z.infer<typeof linkFaultSchema>;
export type Fault = z.infer<typeof faultSchema>;

/** Two faults with one place cannot be on together. */
export function placeOf(fault: Fault): string {
  switch (fault.kind) {
    case 'mood':
      return `simulators/${fault.simulators}/${fault.mood.door}/${fault.mood.to ?? ''}`;
    case 'stop':
    case 'kill':
      return `process/${fault.process}`;
    case 'clock':
      return `clock/${fault.process}`;
    case 'read_only':
    case 'drop_backends':
      return `postgres/${fault.postgres}`;
    default:
      return `link/${fault.link}`;
  }
}

/** Whether it is over as soon as it has happened, so that there is nothing to hold or to end. */
export function isInstant(fault: Fault): boolean {
  return fault.kind === 'kill' || fault.kind === 'drop_backends';
}

/** A line of the ledger of faults. Times are milliseconds since 1970. */
export type FaultLine =
  | {
      readonly seq: number;
      readonly phase: 'on';
      readonly at: number;
      readonly id: string;
      readonly fault: Fault;
      /** What ends it: nothing else is needed to end it after the death of whoever set it. */
      readonly undo: Undo;
    }
  | {
      readonly seq: number;
      readonly phase: 'off';
      readonly at: number;
      readonly id: string;
      readonly why: OffReason;
    };

export type OffReason =
  | 'asked'
  /** The lease was not renewed. */
  | 'expired'
  /** It was on for the longest time allowed. */
  | 'held too long'
  | 'agent stopped'
  /** A former agent died with the fault on; the next one ended it. */
  | 'agent restarted'
  | 'could not start';

/** How a fault is ended. Ending it twice does no harm. */
export type Undo =
  | { readonly kind: 'none' }
  | { readonly kind: 'link'; readonly link: string }
  | {
      readonly kind: 'mood';
      readonly simulators: string;
      readonly door: string;
      readonly to?: string;
    }
  | { readonly kind: 'clock'; readonly process: string }
  | { readonly kind: 'continue'; readonly pid: number; readonly identity: string }
  | { readonly kind: 'writable'; readonly postgres: string };
