// A report is clean only when every scenario came to a result and nothing was found; what is wrong is in its text.
import { expect, test } from 'vitest';

import { generateRun } from '../checker/generated-run.ts';
import type { ReceivedRecord, RunRecords, SentRecord } from '../ledgers/records.ts';
import { isClean, mergeReports, type ChaosReport } from './report.ts';
import { SCENARIOS } from './scenarios.ts';
import { summarize } from './summarize.ts';
import { writeReport } from './write-report.ts';

const [scenario] = SCENARIOS;
if (!scenario) throw new Error('there are scenarios');
const records: RunRecords = {
  world: {
    people: { p: { addresses: { sms: '+1' } }, q: { addresses: { sms: '+2' } } },
    services: {
      s: {
        steps: [
          { afterMs: 0, people: ['p'] },
          { afterMs: 60_000, people: ['q'] },
        ],
        lastResort: [],
      },
    },
  },
  ...{ sent: [], answers: [], received: [], faults: [], finals: null },
  ...{ refusalsCounted: null, database: null, observedUntil: 0 },
};
const finding = { kind: 'lost', key: 'x000001', at: 0, text: 'there are 0' } as const;
const run = { date: '2026-01-01', seed: '7', machine: { cores: 2, node: 'v24' } };
const part = (
  findings: readonly (typeof finding)[],
  more: Partial<typeof records> = {},
  replayErrors = 0,
) =>
  summarize(
    { scenario, run, loadMs: 500 },
    {
      plan: [{ kind: 'kill', atMs: 1, process: 'api-1' }],
      ...{ records: { ...records, ...more }, findings, replayErrors, tookMs: 1000 },
    },
  );
const clean: ChaosReport = { scenarios: [part([])], broken: {} };

test('nothing found, nothing broken: clean', () => {
  expect(isClean(clean)).toBe(true);
  expect(writeReport(clean)).toMatch(/kill api-1 1×[^]*Wrong: nothing/);
});

test('one finding is enough, and is shown', () => {
  const report = { ...clean, scenarios: [part([finding, finding])] };
  expect(isClean(report)).toBe(false);
  expect(writeReport(report)).toMatch(/lost 2×[^]*accepted with 202[^]*x000001: there are 0/);
});

test('a history that no worker could replay is one', () => {
  const report = { ...clean, scenarios: [part([], {}, 3)] };
  expect(isClean(report)).toBe(false);
  expect(writeReport(report)).toMatch(/history not replayed 3×[^]*stands still/);
});

test('a scenario without a result is no success', () => {
  const report = { ...clean, broken: { kill: 'temporal did not come back' } };
  expect(isClean(report)).toBe(false);
  expect(writeReport(report)).toContain('No result: temporal did not come back');
});

const trigger: SentRecord = {
  ...{ seq: 1, eventId: 'e', key: 'x1', service: 's', action: 'trigger', sentAt: 900 },
  ...{ endedAt: 1000, status: 202, retryAfterSec: null, unsent: false },
};
const message: ReceivedRecord = {
  ...{ id: 'm', provider: 'a', channel: 'sms', address: '+1', at: 3500, keys: ['x1'] },
  unnamed: 0,
  numbers: {},
};

test('the time to the first page counts from the first acceptance to the first message', () => {
  const sent = [{ ...trigger, endedAt: 800, status: 503 }, trigger];
  const { firstPageSec } = part([], { sent, received: [{ ...message, at: 9000 }, message] });
  expect(firstPageSec).toEqual({ n: 1, p50: 2.5, p99: 2.5, max: 2.5 });
  expect(part([], { sent }).firstPageSec).toBeNull();
});

test('late first pages are counted with and without the times when paging was impossible', () => {
  const away = { id: 'f', name: 'down temporal', from: 2000, to: 92_000, stopsPaging: true };
  const one = (n: number, pagedAt: number | null) => ({
    sent: { ...trigger, seq: n, eventId: `e${n}`, key: `x${n}` },
    received: pagedAt === null ? [] : [{ ...message, keys: [`x${n}`], at: pagedAt }],
  });
  const runs = [one(1, 3000), one(2, 91_500), one(3, 152_001), one(4, 400_000), one(5, null)];
  const { paging } = part([], {
    sent: runs.map(({ sent }) => sent),
    received: runs.flatMap(({ received }) => received),
    faults: [away],
    observedUntil: 1_000_000,
  });
  expect(paging).toMatchObject({
    due: 5,
    later: { minute: 3, fiveMinutes: 2 },
    laterInAll: { minute: 4, fiveMinutes: 2 },
  });
});

test('what was over within a minute needed no page', () => {
  const resolve = { ...trigger, seq: 2, eventId: 'r', action: 'resolve', sentAt: 30_000 } as const;
  const sent = [trigger, { ...resolve, endedAt: 30_010 }];
  expect(part([], { sent, observedUntil: 1_000_000 }).paging).toMatchObject({
    ...{ due: 0, later: { minute: 0 }, laterInAll: { minute: 0 } },
  });
});

test('copies are counted beyond the first to each person', () => {
  const received = [message, message, message, { ...message, address: '+2' }];
  const { paging } = part([], { sent: [trigger], received });
  expect(paging).toMatchObject({ notifications: 2, copies: 2 });
});

test('over all scenarios counts are added up; a report of before has none', () => {
  const counted = part([], { sent: [trigger], received: [message, message] });
  const { paging, ...old } = part([]);
  expect(paging).toBeDefined();
  const text = writeReport({ scenarios: [counted, counted, old], broken: {} });
  expect(text).toMatch(/2 of 3 are counted.*2 first pages were due/);
  expect(text).toContain('| in all | 0 | 100.000 % | ≤ 100.000 % |');
  expect(text).toContain('Of 2 notifications 2 copies went out beyond the first: 100.000 %.');
  expect(writeReport({ scenarios: [old], broken: {} })).not.toContain('All scenarios together');
});

test('each fault of PostgreSQL is told with the times that the product took', () => {
  const { database } = part([], generateRun('times'));
  expect(database).toMatchObject([{ fault: 'read-only app', lastedSec: 60, firstPageSec: null }]);
  for (const sec of [database?.[0]?.noticedSec, database?.[0]?.changedSec])
    expect(sec).toBeGreaterThan(0);
  const blind = { ...generateRun('times').database, health: [] };
  const report = part([], { ...generateRun('times'), database: blind });
  expect(report.database).toMatchObject([{ noticedSec: null, writableSec: null }]);
  const text = writeReport({ scenarios: [report], broken: {} });
  expect(text).toMatch(/read-only app \| 60 \| not seen \| not seen \| \d/);
});

test('a run replaces the earlier one of its scenario, also when it came to no result', () => {
  const other = { ...part([]), scenario: 'ack-race' };
  const names = ['kill', 'ack-race'];
  const both = mergeReports({ scenarios: [other], broken: { kill: 'why' } }, clean, names);
  expect(both.scenarios.map(({ scenario: name }) => name)).toEqual(names);
  expect(both.broken).toEqual({});
  const failed = mergeReports(both, { scenarios: [], broken: { 'ack-race': 'late' } }, names);
  expect(failed.scenarios.map(({ scenario: name }) => name)).toEqual(['kill']);
  expect(isClean(failed)).toBe(false);
});

test('messages on the channels of a fault are timed while it is on, and with none near', () => {
  const refusing = {
    id: 'f',
    name: 'refuse sms-a',
    from: 100_000,
    to: 145_000,
    stopsPaging: false,
  };
  const one = (n: number, acceptedAt: number, more: Partial<ReceivedRecord>) => ({
    sent: { ...trigger, seq: n, eventId: `e${n}`, key: `x${n}`, endedAt: acceptedAt },
    received: { ...message, keys: [`x${n}`], ...more },
  });
  const runs = [
    one(1, 1000, { at: 1200 }),
    one(2, 120_000, { at: 126_000, provider: 'b' }),
    // In its wake, of another step, and on a channel that does not meet it.
    one(3, 150_000, { at: 150_100 }),
    one(4, 121_000, { at: 180_000, address: '+2' }),
    one(5, 122_000, { at: 122_100, channel: 'push', address: 'p' }),
    // What the fault kept until nobody needed it any more.
    one(6, 123_000, { at: 146_000 }),
  ];
  const needless = { ...trigger, seq: 7, eventId: 'r', key: 'x6', action: 'resolve' } as const;
  const report = part([], {
    world: {
      ...records.world,
      people: { p: { addresses: { sms: '+1', push: 'p' } }, q: { addresses: { sms: '+2' } } },
    },
    sent: [...runs.map(({ sent }) => sent), { ...needless, sentAt: 124_000, endedAt: 124_010 }],
    received: runs.map(({ received }) => received),
    faults: [{ ...refusing, channels: ['sms', 'voice'] }],
    observedUntil: 1_000_000,
  });
  expect(report.channels).toMatchObject([
    {
      ...{ fault: 'refuse sms-a', lastedSec: 45 },
      meanwhileSec: { n: 1, p50: 6 },
      usualSec: { n: 1, p50: 0.2 },
    },
  ]);
  const text = writeReport({ scenarios: [report], broken: {} });
  expect(text).toContain(
    '| refuse sms-a | 45 | sms, voice | 6 | 6 | 6 (1) | 0.2 | 0.2 | 0.2 (1) |',
  );
  expect(part([]).channels).toBeUndefined();
});

test('later steps under a fault are timed from the first page, without the times when paging was impossible', () => {
  const away = { id: 'f', name: 'down temporal', from: 50_000, to: 150_000, stopsPaging: true };
  const one = (n: number, acceptedAt: number, [first, second]: readonly [number, number]) => ({
    sent: { ...trigger, seq: n, eventId: `e${n}`, key: `x${n}`, endedAt: acceptedAt },
    received: [first, second].map((at, step) => ({
      ...{ ...message, keys: [`x${n}`], at, address: `+${step + 1}` },
    })),
  });
  const runs = [
    // Due while nothing could be paged; opened only afterwards; with no fault near.
    one(1, 1000, [1200, 156_000]),
    one(2, 60_000, [158_000, 217_500]),
    one(3, 300_000, [300_100, 363_000]),
  ];
  const report = part([], {
    sent: runs.map(({ sent }) => sent),
    received: runs.flatMap(({ received }) => received),
    ...{ faults: [away], observedUntil: 1_000_000 },
  });
  expect(report.lateStepSec).toEqual({ n: 1, p50: 6, p99: 6, max: 6 });
  const text = writeReport({ scenarios: [report], broken: {} });
  expect(text).toContain('Later steps with a fault near: 1, late by p50 6 s');
  expect(part([]).lateStepSec).toBeNull();
});
