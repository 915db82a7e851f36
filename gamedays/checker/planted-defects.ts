import type { FinalIncident, ReceivedRecord, RunRecords, SentRecord } from '../ledgers/records.ts';
import type { FindingKind } from './finding.ts';
import { STEP_MS, type GeneratedRun, type Script } from './generated-run.ts';
import { keyOf, type Plant, type Planted } from './plant.ts';
import { DATABASE_PLANTS } from './planted-database-defects.ts';

const LONG_MS = 400_000;

/** Each spoils a clean run in one way that a product, or a ledger, could go wrong. For tests of the checker. */
export const PLANTS: Readonly<Record<string, Plant>> = {
  ...DATABASE_PLANTS,
  'incident and pages vanish': (run) => {
    const key = keyOf(run, 'unanswered');
    const finals = (run.finals ?? []).filter((one) => one.key !== key);
    return { run: { ...withoutPages(run, key), finals }, kind: 'lost', key };
  },
  'resolved at once, and no incident was ever made': (run) => {
    const key = keyOf(run, 'resolved');
    const finals = (run.finals ?? []).filter((one) => one.key !== key);
    return { run: { ...run, finals }, kind: 'lost', key };
  },
  'an incident that pages nobody': (run) => {
    const key = keyOf(run, 'unanswered');
    return { run: withoutPages(run, key), kind: 'missed page', key };
  },
  'the alert that comes again is swallowed': (run) => {
    const key = keyOf(run, 'reopened');
    const again = run.sent.filter((one) => one.key === key && one.action === 'resolve')[0];
    const after = again?.endedAt ?? 0;
    return { run: withoutPages(run, key, (page) => page.at > after), kind: 'missed page', key };
  },
  'the first page comes after minutes': (run) => {
    const key = keyOf(run, 'unanswered');
    return { run: shifted(run, key, 'first', LONG_MS), kind: 'late page', key };
  },
  'nobody is paged by the second step': (run) => {
    const key = keyOf(run, 'unanswered');
    return { run: withoutPages(run, key, isTo('second')), kind: 'missed escalation', key };
  },
  'only the second step is paged': (run) => {
    const key = keyOf(run, 'unanswered');
    return { run: withoutPages(run, key, isTo('first')), kind: 'skipped escalation', key };
  },
  'the second step comes minutes late': (run) => {
    const key = keyOf(run, 'unanswered');
    return { run: shifted(run, key, 'second', LONG_MS), kind: 'late escalation', key };
  },
  'the second step comes at half its time': (run) => {
    const key = keyOf(run, 'unanswered');
    return { run: shifted(run, key, 'second', -STEP_MS / 2), kind: 'early escalation', key };
  },
  'a page three times by one provider': (run) => {
    const page = pageOf(run, keyOf(run, 'acknowledged'));
    const copies = [1, 2].map((n) => ({ ...page, id: `copy${n}`, at: page.at + n }));
    return added(run, copies, 'too many copies', page.keys[0]);
  },
  'a page once by each of three providers': (run) => {
    const page = pageOf(run, keyOf(run, 'acknowledged'));
    const copies = ['b', 'c'].map((one, n) => ({
      ...page,
      id: one,
      provider: one,
      at: page.at + n,
    }));
    return added(run, copies, 'too many copies', page.keys[0]);
  },
  'a third copy in one message with another alert': (run) => {
    const page = pageOf(run, keyOf(run, 'acknowledged'));
    const copies = [1, 2].map((n) => ({ ...page, id: `both${n}`, unnamed: 1, at: page.at + n }));
    return added(run, copies, 'too many copies', page.keys[0]);
  },
  'a page for a key that nobody sent': (run) => {
    const page = { ...pageOf(run, keyOf(run, 'unanswered')), id: 'ghost', keys: ['x999999'] };
    return added(run, [page], 'ghost: never sent', 'x999999');
  },
  'a page before its event': (run) => {
    const page = pageOf(run, keyOf(run, 'unanswered'));
    return added(run, [{ ...page, id: 'g', at: 999_000 }], 'ghost: before sent', page.keys[0]);
  },
  'a page for an event that was refused': (run) => {
    const key = 'x000777';
    const attempt = { ...sentOf(run, keyOf(run, 'unanswered')), status: 400, key, eventId: key };
    const sent = [...run.sent, { ...attempt, seq: run.sent.length + 1, status: 429 }];
    const page = { ...pageOf(run, keyOf(run, 'unanswered')), id: 'ghost', keys: [key] };
    const refusals = { sent: retryLater(sent), refusalsCounted: (run.refusalsCounted ?? 0) + 1 };
    return added({ ...run, ...refusals }, [page], 'ghost: only refused', key);
  },
  'a page long after the alert had resolved': (run) => {
    const key = keyOf(run, 'resolved');
    const resolve = run.sent.filter((one) => one.key === key && one.status === 202).at(-1);
    const page = { ...pageOf(run, key), id: 'ghost', at: (resolve?.endedAt ?? 0) + 2100 };
    return added(run, [page], 'ghost: after resolve', key);
  },
  'the next step is paged although somebody has answered': (run) => {
    const key = keyOf(run, 'acknowledged');
    const page = pageOf(run, key);
    const second = page.address.replace('first', 'second');
    const at = page.at + STEP_MS;
    return added(run, [{ ...page, id: 'g', address: second, at }], 'ghost: after answer', key);
  },
  'a vendor that says nothing is believed': (run) => {
    const key = keyOf(run, 'unanswered');
    const isSecond = isTo('second');
    const last = run.received.find((one) => one.keys.includes(key) && isSecond(one));
    const { provider = '', channel = '', at = 0 } = last ?? {};
    const about = { id: 'q', name: 'silent', from: at, to: at + 1, stopsPaging: false };
    const faults = [...run.faults, { ...about, silences: { provider, channels: [channel] } }];
    return { run: { ...run, faults }, kind: 'silence not noticed', key };
  },
  'a page to somebody else': (run) => {
    const page = pageOf(run, keyOf(run, 'unanswered'));
    const address = page.address.replace(/\d/, (n) => `${(Number(n) + 1) % 4}`);
    return added(run, [{ ...page, id: 'w', address }], 'wrong person', page.keys[0]);
  },
  'the catch-all is paged though others could be': (run) => {
    const page = pageOf(run, keyOf(run, 'unanswered'));
    const owner = { address: `${page.channel}-owner`, at: page.at + 20_000 };
    return added(run, [{ ...page, id: 'w', ...owner }], 'wrong person', page.keys[0]);
  },
  'a page to an address of nobody': (run) => {
    const page = pageOf(run, keyOf(run, 'unanswered'));
    return added(run, [{ ...page, id: 'w', address: '+1' }], 'unknown address', page.keys[0]);
  },
  'an acknowledged incident is open in the end': (run) =>
    ending(run, 'acknowledged', 'triggered', 'answer not effective'),
  'a resolved incident is open in the end': (run) =>
    ending(run, 'resolved', 'acknowledged', 'resolve not effective'),
  'a person’s resolve is forgotten': (run) => {
    const key = keyOf(run, 'acknowledged');
    const answers = run.answers.map((one) =>
      one.keys.includes(key) ? { ...one, action: 'resolve' as const } : one,
    );
    return ending({ ...run, answers }, 'acknowledged', 'triggered', 'answer not effective');
  },
  'an answer to an earlier alert counts for this one': (run) => {
    const key = keyOf(run, 'acknowledged');
    const earlier = Math.min(...run.sent.filter((one) => one.key === key).map((one) => one.sentAt));
    const answers = run.answers.map((one) =>
      one.keys.includes(key) ? { ...one, pageAt: earlier - 9000, sentAt: earlier - 5000 } : one,
    );
    return { run: { ...run, answers }, kind: 'answer to an unseen page', key };
  },
  'an incident is acknowledged and nobody did it': (run) =>
    ending(run, 'unanswered', 'acknowledged', 'answer from nowhere'),
  'one alert opens two incidents': (run) => {
    const key = keyOf(run, 'acknowledged');
    const extra: FinalIncident = { id: 'Qextra', key, status: 'acknowledged' };
    return {
      run: { ...run, finals: [...(run.finals ?? []), extra] },
      kind: 'doubled incident',
      key,
    };
  },
  'an incident that nobody opened': (run) => {
    const extra: FinalIncident = { id: 'Qextra', key: 'x888888', status: 'resolved' };
    const finals = [...(run.finals ?? []), extra];
    return { run: { ...run, finals }, kind: 'incident from nowhere', key: 'x888888' };
  },
  'a refusal is missing in the metrics': (run) => {
    const sent = spoiltAttempt(run, { status: 503, retryAfterSec: 5 });
    const refusalsCounted = run.refusalsCounted ?? 0;
    return { run: { ...run, sent, refusalsCounted }, kind: 'refusal not counted', key: null };
  },
  'a refusal does not say when to come back': (run) => {
    const sent = spoiltAttempt(run, { status: 503 });
    const refusalsCounted = (run.refusalsCounted ?? 0) + 1;
    const kind = 'refusal without Retry-After';
    return { run: { ...run, sent, refusalsCounted }, kind, key: sent.at(-1)?.key ?? '' };
  },
  'the door answers 500': (run) => {
    const sent = spoiltAttempt(run, { status: 500 });
    return { run: { ...run, sent }, kind: 'unexpected answer', key: sent.at(-1)?.key ?? '' };
  },
  'an event is refused for minutes': (run) => {
    const key = 'x000777';
    const attempt = { ...sentOf(run, keyOf(run, 'resolved')), key, eventId: key, status: 429 };
    const seq = run.sent.length;
    const sent = [...run.sent, { ...attempt, seq: seq + 1 }, { ...attempt, seq: seq + 2 }];
    const refusalsCounted = (run.refusalsCounted ?? 0) + 2;
    const kind = 'accepted late';
    return { run: { ...run, sent: retryLater(sent), refusalsCounted }, kind, key };
  },
  'a fault has no end': (run) => {
    const faults = run.faults.map((one) => ({ ...one, from: 1_990_000, to: null }));
    return { run: { ...run, faults }, kind: 'fault left on', key: null };
  },
  'a line is missing in what clients sent': (run) => {
    const sent = run.sent.filter(({ seq }) => seq !== seqOfRepeat(run));
    return { run: { ...run, sent }, kind: 'ledger gap', key: null };
  },
  'a line is missing in what people answered': (run) => {
    const answers = run.answers.map((one) => (one.seq > 1 ? { ...one, seq: one.seq + 1 } : one));
    return { run: { ...run, answers }, kind: 'ledger gap', key: null };
  },
};

function pageOf(run: RunRecords, key: string): ReceivedRecord {
  const page = run.received.find((one) => one.keys.includes(key) && one.address.includes('first'));
  if (!page) throw new RangeError(`${key} has no page`);
  return page;
}

function sentOf(run: RunRecords, key: string): SentRecord {
  const sent = run.sent.find((one) => one.key === key && one.status === 202);
  if (!sent) throw new RangeError(`${key} was never accepted`);
  return sent;
}

function isTo(role: 'first' | 'second'): (page: ReceivedRecord) => boolean {
  return ({ address }) => address.includes(role);
}

function withoutPages<T extends RunRecords>(
  run: T,
  key: string,
  which: (page: ReceivedRecord) => boolean = () => true,
): T {
  const received = run.received.filter((page) => !page.keys.includes(key) || !which(page));
  return { ...run, received };
}

function shifted(run: RunRecords, key: string, role: 'first' | 'second', ms: number): RunRecords {
  const isOne = isTo(role);
  const received = run.received.map((page) =>
    page.keys.includes(key) && isOne(page) ? { ...page, at: page.at + ms } : page,
  );
  return { ...run, received };
}

function added(
  run: RunRecords,
  pages: readonly ReceivedRecord[],
  kind: FindingKind,
  key: string | undefined,
): Planted {
  return { run: { ...run, received: [...run.received, ...pages] }, kind, key: key ?? null };
}

function ending(
  run: GeneratedRun,
  script: Script,
  status: FinalIncident['status'],
  kind: FindingKind,
): Planted {
  const key = keyOf(run, script);
  const finals = (run.finals ?? []).map((one) => (one.key === key ? { ...one, status } : one));
  return { run: { ...run, finals }, kind, key };
}

/** A failed attempt of an event that was accepted before: it changes nothing but what was answered. */
function spoiltAttempt(
  run: GeneratedRun,
  outcome: Pick<SentRecord, 'status'> & Partial<SentRecord>,
): readonly SentRecord[] {
  const accepted = sentOf(run, keyOf(run, 'unanswered'));
  const at = accepted.endedAt + 100;
  const times = { seq: run.sent.length + 1, sentAt: at, endedAt: at + 5 };
  return [...run.sent, { ...accepted, ...times, retryAfterSec: null, ...outcome }];
}

function retryLater(sent: readonly SentRecord[]): readonly SentRecord[] {
  return sent.map((one) => (one.status === 429 ? { ...one, retryAfterSec: 1 } : one));
}

/** The first accepted line, without which something is unexplained or at least the numbers have a hole. */
function seqOfRepeat(run: GeneratedRun): number {
  return run.sent.find(({ status }) => status !== 202)?.seq ?? 1;
}
