// A report is clean only when every scenario came to a result and nothing was found; what is wrong is in its text.
import { expect, test } from 'vitest';

import type { ReceivedRecord, RunRecords, SentRecord } from '../ledgers/records.ts';
import { isClean, mergeReports, summarize, writeReport, type ChaosReport } from './report.ts';
import { SCENARIOS } from './scenarios.ts';

const [scenario] = SCENARIOS;
if (!scenario) throw new Error('there are scenarios');
const records: RunRecords = {
  world: { services: {}, people: {} },
  ...{ sent: [], answers: [], received: [], faults: [], finals: null },
  ...{ refusalsCounted: null, observedUntil: 0 },
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

test('the time to the first page counts from the first acceptance to the first message', () => {
  const trigger: SentRecord = {
    ...{ seq: 1, eventId: 'e', key: 'x1', service: 's', action: 'trigger', sentAt: 900 },
    ...{ endedAt: 1000, status: 202, retryAfterSec: null, unsent: false },
  };
  const message: ReceivedRecord = {
    ...{ id: 'm', provider: 'a', channel: 'sms', address: '+1', at: 3500, keys: ['x1'] },
    unnamed: 0,
  };
  const sent = [{ ...trigger, endedAt: 800, status: 503 }, trigger];
  const { firstPageSec } = part([], { sent, received: [{ ...message, at: 9000 }, message] });
  expect(firstPageSec).toEqual({ n: 1, p50: 2.5, p99: 2.5, max: 2.5 });
  expect(part([], { sent }).firstPageSec).toBeNull();
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
