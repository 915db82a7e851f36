import type { LogEntryType } from '../../domain/incident/types.ts';
import type { ExpectedEntry, ExpectedMessage, Expectation } from './expectation.ts';

/** What was seen of one seed from outside, all on the server's clock, milliseconds since 1970. */
export interface Observation {
  /** Pages that a provider was handed, by address. */
  readonly messages: readonly { readonly atMs: number; readonly to: string }[];
  /** The incident's log: when it says that something happened, and when that was first told to the projection. */
  readonly entries: readonly {
    readonly id: string;
    readonly type: LogEntryType;
    readonly atMs: number;
    readonly toldMs: number;
  }[];
  /** Actions that the product refused. */
  readonly refusals: readonly { readonly atMs: number; readonly text: string }[];
}

export type TimerFault =
  | 'early'
  | 'late'
  | 'skipped'
  | 'wrong person'
  /** A page that nobody is due. */
  | 'unexpected'
  | 'wrong log'
  | 'refused';

export interface TimerFinding {
  readonly kind: TimerFault;
  readonly atMs: number;
  readonly text: string;
}

export interface SeedVerdict {
  readonly findings: readonly TimerFinding[];
  /** Of each message and each log entry, milliseconds after it was due. */
  readonly latenessMs: readonly number[];
}

/** F11's limit for a healthy product. */
const LATE_MS = 2000;
/** What lies closer together than this is one thing at the wrong time; two things due are further apart. */
const NEAR_MS = 8000;

/** Compares what was seen of a seed with what had to happen. Pure. */
export function checkSeed(expected: Expectation, seen: Observation): SeedVerdict {
  const messages = checkMessages(expected.messages, seen.messages);
  const entries = checkEntries(expected.entries, seen.entries);
  const refusals = seen.refusals
    .filter(({ atMs }) => !expected.idle.includes(atMs))
    .map(({ atMs, text }) => ({ kind: 'refused', atMs, text }) as const);
  return {
    findings: [...messages.findings, ...entries.findings, ...refusals],
    latenessMs: [...messages.latenessMs, ...entries.latenessMs],
  };
}

function checkMessages(
  expected: readonly ExpectedMessage[],
  seen: Observation['messages'],
): SeedVerdict {
  const addresses = new Set([...expected, ...seen].map(({ to }) => to));
  const verdicts = [...addresses].map((address) =>
    checkAddress(
      expected.filter(({ to }) => to === address),
      seen.filter(({ to }) => to === address),
    ),
  );
  return {
    findings: misdirected(verdicts.flatMap(({ findings }) => findings)),
    latenessMs: verdicts.flatMap(({ latenessMs }) => latenessMs),
  };
}

/** A page that nobody is due while somebody else has got none is a page to the wrong person. */
function misdirected(findings: readonly TimerFinding[]): readonly TimerFinding[] {
  const skipped = findings.filter(({ kind }) => kind === 'skipped');
  return findings.map((one) => {
    const isOther = skipped.some(({ atMs }) => Math.abs(atMs - one.atMs) <= NEAR_MS);
    return one.kind === 'unexpected' && isOther ? { ...one, kind: 'wrong person' } : one;
  });
}

/** Each message that is due takes the nearest one that came, and what is left over is told of in pairs. */
function checkAddress(
  expected: readonly ExpectedMessage[],
  seen: Observation['messages'],
): SeedVerdict {
  const left = [...seen];
  const missing: ExpectedMessage[] = [];
  const pairs: (readonly [ExpectedMessage, number])[] = [];
  for (const message of expected) {
    const distance = ({ atMs }: { readonly atMs: number }) => Math.abs(atMs - message.dueMs);
    const [nearest] = [...left].sort((a, b) => distance(a) - distance(b));
    if (nearest && distance(nearest) <= NEAR_MS) {
      left.splice(left.indexOf(nearest), 1);
      pairs.push([message, nearest.atMs]);
    } else if (!message.optional) missing.push(message);
  }
  const strays = left.splice(0, missing.length);
  pairs.push(...strays.map(({ atMs }, n) => [missing[n], atMs] as [ExpectedMessage, number]));
  return {
    findings: [
      ...pairs.flatMap(([{ dueMs, to }, atMs]) => judge(`page to ${to}`, dueMs, atMs)),
      ...missing.slice(strays.length).map(({ dueMs: atMs, to }) => finding('skipped', atMs, to)),
      ...left.map(({ atMs, to }) => finding('unexpected', atMs, to)),
    ],
    latenessMs: pairs.map(([{ dueMs }, atMs]) => atMs - dueMs),
  };
}

function finding(kind: 'skipped' | 'unexpected', atMs: number, to: string): TimerFinding {
  return { kind, atMs, text: kind === 'skipped' ? `no page to ${to}` : `a page to ${to} not due` };
}

function checkEntries(
  expected: readonly ExpectedEntry[],
  all: Observation['entries'],
): SeedVerdict {
  const seen = all.filter(({ type }) => type !== 'notify_log_entry');
  const findings: TimerFinding[] = [];
  for (const [n, { type, dueMs }] of expected.entries()) {
    const entry = seen[n];
    if (entry?.type !== type) {
      const text = `entry ${n + 1} should be ${type} and is ${entry?.type ?? 'missing'}`;
      return { findings: [...findings, { kind: 'wrong log', atMs: dueMs, text }], latenessMs: [] };
    }
    findings.push(...judge(type, dueMs, entry.atMs), ...judge(`${type} told`, dueMs, entry.toldMs));
  }
  const more = seen[expected.length];
  if (more) findings.push({ kind: 'wrong log', atMs: more.atMs, text: `${more.type} too many` });
  const latenessMs = expected.map(({ dueMs }, n) => (seen[n]?.toldMs ?? dueMs) - dueMs);
  return { findings, latenessMs };
}

function judge(what: string, dueMs: number, atMs: number): readonly TimerFinding[] {
  const afterMs = atMs - dueMs;
  if (afterMs >= 0 && afterMs <= LATE_MS) return [];
  const kind = afterMs < 0 ? 'early' : 'late';
  const text = `${what} ${Math.abs(afterMs)} ms ${afterMs < 0 ? 'before' : 'after'} it was due`;
  return [{ kind, atMs: dueMs, text }];
}
