import type { DatabaseRecords } from '../ledgers/database-records.ts';
import type {
  AnswerRecord,
  FaultWindow,
  FinalIncident,
  ReceivedRecord,
  RunRecords,
  SentRecord,
  World,
} from '../ledgers/records.ts';
import { createRandom, type Random } from '../random.ts';
import { DATABASE_FAULT, generateDatabase } from './generated-database.ts';

/** Steps of every policy of a generated run, milliseconds. */
export const STEP_MS = 60_000;
const KEYS = 14;
const CHANNELS = ['push', 'sms'] as const;

/** What a key of a generated run goes through. */
export const SCRIPTS = [
  'unanswered',
  'acknowledged',
  'answered late',
  'resolved',
  'reopened',
  'answered of before',
] as const;
export type Script = (typeof SCRIPTS)[number];

export interface GeneratedRun extends RunRecords {
  readonly database: DatabaseRecords;
  readonly scripts: ReadonlyMap<string, Script>;
}

interface Building {
  readonly random: Random;
  readonly sent: SentRecord[];
  readonly answers: AnswerRecord[];
  readonly received: ReceivedRecord[];
  readonly finals: FinalIncident[];
}

/**
 * What the ledgers would hold if the product did everything right: repeats, refusals, lost answers, second
 * copies, slow pages under faults and all. For tests of the checker.
 */
export function generateRun(seed: string, faultAt: 'aside' | 'meanwhile' = 'aside'): GeneratedRun {
  const random = createRandom(seed);
  const building: Building = { random, sent: [], answers: [], received: [], finals: [] };
  const scripts = new Map<string, Script>();
  for (let n = 0; n < KEYS; n += 1) {
    const script = SCRIPTS[n % SCRIPTS.length] ?? 'unanswered';
    const key = `x${String(n).padStart(6, '0')}`;
    scripts.set(key, script);
    play(building, { key, script, service: `s${n % 4}`, at: 1_000_000 + n * 700 });
  }
  const { sent, answers, received, finals } = building;
  return {
    ...{ world: world(), scripts, sent, answers, received, finals },
    faults: [...faults(random, faultAt), DATABASE_FAULT],
    database: generateDatabase(random.fork('database'), finals),
    refusalsCounted: sent.filter(({ status }) => status === 429 || status === 503).length,
    observedUntil: 2_000_000,
  };
}

/** Two people for each of four services, and an owner for all. */
function world(): World {
  const names = [0, 1, 2, 3].flatMap((n) => [`first${n}`, `second${n}`]);
  return {
    people: Object.fromEntries(
      [...names, 'owner'].map((name) => [
        name,
        { addresses: Object.fromEntries(CHANNELS.map((one) => [one, `${one}-${name}`])) },
      ]),
    ),
    services: Object.fromEntries(
      [0, 1, 2, 3].map((n) => [
        `s${n}`,
        {
          steps: [
            { afterMs: 0, people: [`first${n}`] },
            { afterMs: STEP_MS, people: [`second${n}`] },
          ],
          lastResort: ['owner'],
        },
      ]),
    ),
  };
}

/** `aside`: long over before the first alert, or late, when nothing is under way any more. */
function faults(random: Random, faultAt: 'aside' | 'meanwhile'): readonly FaultWindow[] {
  const from = faultAt === 'aside' ? random.pick([100_000, 1_900_000]) : 1_002_000;
  const stopsPaging = random.chance(0.5);
  return [{ id: 'f1', name: 'hang sms-a', from, to: from + 20_000, stopsPaging }];
}

interface Part {
  readonly key: string;
  readonly script: Script;
  readonly service: string;
  readonly at: number;
}

function play(run: Building, part: Part): void {
  const acceptedAt = send(run, part, 'trigger', part.at);
  page(run, part, 'first', acceptedAt);
  for (let n = run.random.int(0, 2); n > 0; n -= 1)
    send(run, part, 'trigger', acceptedAt + n * 900);
  switch (part.script) {
    case 'acknowledged':
      answer(run, part, 'first', soonAfter(acceptedAt + run.random.int(3000, 30_000)));
      final(run, part, 'acknowledged');
      return;
    case 'answered late':
      page(run, part, 'second', acceptedAt + STEP_MS);
      answer(run, part, 'second', soonAfter(acceptedAt + STEP_MS + run.random.int(3000, 9000)));
      final(run, part, 'acknowledged');
      return;
    case 'unanswered':
      page(run, part, 'second', acceptedAt + STEP_MS);
      final(run, part, 'triggered');
      return;
    case 'resolved':
      send(run, part, 'resolve', acceptedAt + 20_000);
      final(run, part, 'resolved');
      return;
    case 'reopened':
      reopen(run, part, send(run, part, 'resolve', acceptedAt + 20_000));
      return;
    case 'answered of before':
      answerOfBefore(run, part, send(run, part, 'resolve', acceptedAt + 20_000));
  }
}

/** The message of what is over is answered while the alert is on again: the new incident goes its way. */
function answerOfBefore(run: Building, part: Part, resolvedAt: number): void {
  final(run, part, 'resolved');
  const acceptedAt = send(run, part, 'trigger', resolvedAt + 15_000);
  page(run, part, 'first', acceptedAt);
  answer(run, part, 'first', { sentAt: acceptedAt + 3000, pageAt: resolvedAt - 15_000 });
  page(run, part, 'second', acceptedAt + STEP_MS);
  final(run, part, 'triggered');
}

function reopen(run: Building, part: Part, resolvedAt: number): void {
  final(run, part, 'resolved');
  const acceptedAt = send(run, part, 'trigger', resolvedAt + 15_000);
  page(run, part, 'first', acceptedAt);
  send(run, part, 'resolve', acceptedAt + 30_000);
  final(run, part, 'resolved');
}

/** @returns when it was accepted, after whatever failed before. */
function send(run: Building, part: Part, action: SentRecord['action'], at: number): number {
  const eventId = `${part.key}-${run.sent.length}`;
  const attempt = (from: number, outcome: Partial<SentRecord>): SentRecord => ({
    ...{ seq: run.sent.length + 1, eventId, key: part.key, service: part.service, action },
    ...{ sentAt: from, endedAt: from + run.random.int(2, 40), status: 202, retryAfterSec: null },
    ...{ unsent: false, ...outcome },
  });
  let from = at;
  const failures: readonly [Partial<SentRecord>, Partial<SentRecord>] = [
    { status: 429, retryAfterSec: 1 },
    { status: null, unsent: true },
  ];
  while (run.random.chance(0.2)) {
    run.sent.push(attempt(from, run.random.pick(failures)));
    from += 300;
  }
  const accepted = attempt(from, {});
  run.sent.push(accepted);
  return accepted.endedAt;
}

function page(
  run: Building,
  { key, service }: Part,
  role: 'first' | 'second',
  dueAt: number,
): void {
  const name = role + service.slice(1);
  for (const channel of CHANNELS) {
    const at = dueAt + run.random.int(40, 900);
    const copies = run.random.chance(0.1) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      run.received.push({
        ...{ id: `m${run.received.length}`, provider: `${channel}-a`, channel },
        ...{ keys: [key], numbers: { [key]: '1' } },
        ...{ address: `${channel}-${name}`, at: at + copy * 700, unnamed: 0 },
      });
    }
  }
}

/** An answer to what came shortly before. */
function soonAfter(sentAt: number): Pick<AnswerRecord, 'sentAt' | 'pageAt'> {
  return { sentAt, pageAt: sentAt - 2500 };
}

function answer(
  run: Building,
  { key, service }: Part,
  role: string,
  { sentAt, pageAt }: Pick<AnswerRecord, 'sentAt' | 'pageAt'>,
): void {
  run.answers.push({
    ...{ seq: run.answers.length + 1, person: role + service.slice(1), via: 'push', keys: [key] },
    ...{ action: 'acknowledge', pageAt, sentAt },
    ...{ endedAt: sentAt + 80, result: 'accepted' },
  });
}

function final(run: Building, { key }: Part, status: FinalIncident['status']): void {
  run.finals.push({ id: `Q${run.finals.length}`, key, status });
}
