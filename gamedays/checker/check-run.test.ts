// The checker finds nothing wrong with a run in which nothing is, and names every defect that was planted, and whose it is.
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { checkRun } from './check-run.ts';
import { FINDING_KINDS } from './finding.ts';
import { generateRun } from './generated-run.ts';
import { USUAL_LIMITS } from './limits.ts';
import { PLANTS } from './planted-defects.ts';

const seeds = fc.string({ minLength: 1, maxLength: 12 });

test.each(['aside', 'meanwhile'] as const)('a clean run is clean, with faults %s', (faultAt) => {
  fc.assert(
    fc.property(seeds, (seed) => {
      expect(checkRun(generateRun(seed, faultAt), USUAL_LIMITS)).toEqual([]);
    }),
    { numRuns: 200 },
  );
});

test.each(Object.entries(PLANTS))('%s', (_name, plant) => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const { run, kind, key } = plant(generateRun(seed));
      const findings = checkRun(run, USUAL_LIMITS);
      expect(findings.map((one) => [one.kind, one.key])).toContainEqual([kind, key]);
      // Whatever else follows from it is about the same alert.
      if (key !== null) expect(new Set(findings.map((one) => one.key))).toEqual(new Set([key]));
    }),
    { numRuns: 60 },
  );
});

/** What happens too when nobody can be reached by the usual ways, or a message was held up. */
const EXCUSED_BY_FAULTS = [
  'the second step comes at half its time',
  'a page long after the alert had resolved',
  'the catch-all is paged though others could be',
];

test('a fault excuses nothing but these', () => {
  const excused = Object.entries(PLANTS).filter(([, plant]) => {
    const { run, kind } = plant(generateRun('faulty', 'meanwhile'));
    return !checkRun(run, USUAL_LIMITS).some((one) => one.kind === kind);
  });
  expect(excused.map(([name]) => name)).toEqual(EXCUSED_BY_FAULTS);
});

test('what a vendor was handed before its line hung is nobody’s fault, and a third copy still is', () => {
  const { run, kind, key } = PLANTS['the next step is paged although somebody has answered']?.(
    generateRun('held'),
  ) ?? { run: generateRun('held'), kind: 'lost', key: null };
  const ghost = run.received.at(-1);
  if (!ghost) throw new RangeError('the ghost is the last');
  const holds = { provider: ghost.provider, channels: [ghost.channel] };
  const hang = { id: 'h', name: 'hang', from: ghost.at - 40_000, to: ghost.at - 20, holds };
  const held = (more: object) => {
    const faults = [...run.faults, { ...hang, stopsPaging: false, ...more }];
    return checkRun({ ...run, faults }, USUAL_LIMITS).map((one) => [one.kind, one.key]);
  };
  expect(held({})).toEqual([]);
  expect(held({ to: ghost.at - 2000 })).toContainEqual([kind, key]);
  expect(held({ holds: { ...holds, channels: [] } })).toContainEqual([kind, key]);
});

test('another message a minute after one of which nothing is heard is enough', () => {
  const plant = PLANTS['a vendor that says nothing is believed'];
  const { run, kind } = plant?.(generateRun('silent')) ?? {};
  const silent = run?.faults.at(-1);
  const page = run?.received.find(
    ({ at, channel }) => at === silent?.from && silent.silences?.channels.includes(channel),
  );
  if (!run || !page) throw new RangeError('there is a page');
  const again = (afterMs: number) => {
    const other = { ...page, id: 'o', provider: 'sms-b', at: page.at + afterMs };
    const found = checkRun({ ...run, received: [...run.received, other] }, USUAL_LIMITS);
    return found.map((one) => one.kind);
  };
  expect(again(60_500)).toEqual([]);
  expect(again(1000)).toEqual([kind]);
  expect(again(80_000)).toEqual([kind]);
  // Nobody has waited for it yet.
  const early = checkRun({ ...run, observedUntil: page.at + 65_000 }, USUAL_LIMITS);
  expect(early.map((one) => one.kind)).not.toContain(kind);
});

test('an answer says nothing of an incident that had paged nobody yet', () => {
  const plant = PLANTS['the next step is paged although somebody has answered'];
  const { run, kind, key } = plant?.(generateRun('later')) ?? {};
  const ghost = run?.received.at(-1);
  if (!run || !ghost || typeof key !== 'string') throw new RangeError('the ghost is the last');
  const numbered = (number: string) => {
    const received = [...run.received.slice(0, -1), { ...ghost, numbers: { [key]: number } }];
    return checkRun({ ...run, received }, USUAL_LIMITS).map((one) => [one.kind, one.key]);
  };
  expect(numbered('2')).not.toContainEqual([kind, key]);
  expect(numbered('1')).toContainEqual([kind, key]);
});

test('every kind of finding has a defect planted for it', () => {
  const planted = new Set(Object.values(PLANTS).map((plant) => plant(generateRun('all')).kind));
  expect([...planted].sort()).toEqual(Object.keys(FINDING_KINDS).sort());
  expect(Object.keys(PLANTS).length).toBeGreaterThanOrEqual(20);
});
