// A report is clean only when every scenario came to a result and nothing was found; what is wrong is in its text.
import { expect, test } from 'vitest';

import { isClean, summarize, writeReport, type ChaosReport } from './report.ts';
import { SCENARIOS } from './scenarios.ts';

const [scenario] = SCENARIOS;
if (!scenario) throw new Error('there are scenarios');
const records = {
  world: { services: {}, people: {} },
  ...{ sent: [], answers: [], received: [], faults: [], finals: null },
  ...{ refusalsCounted: null, observedUntil: 0 },
};
const finding = { kind: 'lost', key: 'x000001', at: 0, text: 'there are 0' } as const;
const part = (findings: readonly (typeof finding)[]) =>
  summarize(
    scenario,
    { plan: [{ kind: 'kill', atMs: 1, process: 'api-1' }], records, findings, tookMs: 1000 },
    500,
  );
const whole = { date: 'now', seed: '7', machine: { cores: 2, node: 'v24' }, broken: {} };
const clean: ChaosReport = { ...whole, scenarios: [part([])] };

test('nothing found, nothing broken: clean', () => {
  expect(isClean(clean)).toBe(true);
  expect(writeReport(clean)).toMatch(/kill api-1 1×[^]*Wrong: nothing/);
});

test('one finding is enough, and is shown', () => {
  const report = { ...clean, scenarios: [part([finding, finding])] };
  expect(isClean(report)).toBe(false);
  expect(writeReport(report)).toMatch(/lost 2×[^]*accepted with 202[^]*x000001: there are 0/);
});

test('a scenario without a result is no success', () => {
  const report = { ...clean, broken: { kill: 'temporal did not come back' } };
  expect(isClean(report)).toBe(false);
  expect(writeReport(report)).toContain('No result: temporal did not come back');
});
