// The same seed plans the same load; every alert's events are in order, and a person's answer never races the alert's own.
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { createRandom } from '../random.ts';
import { planLoad, type LoadShape } from './plan-load.ts';
import { planPopulation, worldOf } from './population.ts';

const shape: LoadShape = {
  ...{ durationMs: 20_000, newPerSec: 4, repeats: 1.3, resolving: 0.6, reopening: 0.4 },
  ...{ onMs: [5000, 30_000], ignored: 0.3, resolvingAnswers: 0.5, thinkMs: [500, 4000] },
};
const services = ['a', 'b', 'c'];

test('plans follow from the seed alone', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (seed, other) => {
      const plan = planLoad(shape, services, createRandom(seed));
      expect(planLoad(shape, services, createRandom(seed))).toEqual(plan);
      expect(plan).toHaveLength(80);
      fc.pre(seed !== other);
      expect(planLoad(shape, services, createRandom(other))).not.toEqual(plan);
    }),
    { numRuns: 50 },
  );
});

test('events of a key are in order, and what resolves by hand sends nothing more', () => {
  fc.assert(
    fc.property(fc.string(), (seed) => {
      for (const { events, decisions } of planLoad(shape, services, createRandom(seed))) {
        const times = events.map(({ atMs }) => atMs);
        expect(times).toEqual([...times].sort((a, b) => a - b));
        expect(events[0]?.action).toBe('trigger');
        if (decisions.some((one) => one?.action === 'resolve')) expect(events).toHaveLength(1);
      }
    }),
    { numRuns: 50 },
  );
});

test('everybody has two ways at least, of which one is not telephony, and no step leads to the one before', () => {
  const population = planPopulation(40, createRandom('p'));
  const { people, services: known } = worldOf(population);
  expect([Object.keys(people).length, Object.keys(known).length]).toEqual([42, 40]);
  for (const { addresses } of population.people.slice(0, 40)) {
    expect(Object.keys(addresses).length).toBeGreaterThanOrEqual(2);
    expect('push' in addresses || 'email' in addresses).toBe(true);
  }
  for (const { steps } of population.services) expect(new Set(steps).size).toBe(2);
});
