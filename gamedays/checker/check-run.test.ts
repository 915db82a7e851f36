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

test('every kind of finding has a defect planted for it', () => {
  const planted = new Set(Object.values(PLANTS).map((plant) => plant(generateRun('all')).kind));
  expect([...planted].sort()).toEqual(Object.keys(FINDING_KINDS).sort());
  expect(Object.keys(PLANTS).length).toBeGreaterThanOrEqual(20);
});
