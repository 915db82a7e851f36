// The checker finds nothing wrong where everything came in time, and names each defect that was planted.
import { expect, test } from 'vitest';

import { checkSeed, type Observation, type TimerFault } from './check-seed.ts';
import { expectSeed } from './expect-seed.ts';
import type { Expectation } from './expectation.ts';
import { planSeed, type SeedPlan } from './plan.ts';
import { stretchAfter, STRETCHES } from './stretches.ts';

const SEEDS = 80;
const NOW = Date.parse('2026-11-27T00:00Z');
const stretches = Array.from({ length: STRETCHES }, (_, n) => stretchAfter(NOW, n));

interface Case {
  readonly plan: SeedPlan;
  readonly expected: Expectation;
  readonly seen: Observation;
}

/** What would have been seen of a seed if everything had come a moment after it was due. */
function clean(seed: number): Case {
  const stretch = stretches[seed % STRETCHES] ?? stretchAfter(NOW, seed);
  const plan = planSeed(seed, stretch);
  const { clockOf, endMs: untilMs } = stretch;
  const expected = expectSeed(plan, plan.moves, { clockOf, untilMs });
  const messages = expected.messages.map(({ dueMs, to }, n) => ({
    to,
    atMs: dueMs + 20 + (n % 7),
  }));
  const entries = expected.entries.map(({ dueMs, type }, n) => {
    return { id: `${n}`, type, atMs: dueMs, toldMs: dueMs + 90 };
  });
  const refusals = expected.idle.map((atMs) => ({ atMs, text: 'over' }));
  return { plan, expected, seen: { messages, entries, refusals } };
}

const cases = Array.from({ length: SEEDS }, (_, seed) => clean(seed));
const kindsOf = ({ expected }: Case, seen: Observation): readonly TimerFault[] =>
  checkSeed(expected, seen).findings.map(({ kind }) => kind);

test('what came in time has nothing wrong with it', () => {
  for (const one of cases) expect(kindsOf(one, one.seen)).toEqual([]);
  const timers = cases.flatMap(({ expected }) => expected.timers.map(({ kind }) => kind));
  expect(new Set(timers).size).toBe(5);
});

type Message = Observation['messages'][number];

/** Spoils the last page of each seed that has one that had to come. */
const PLANTS: Readonly<
  Record<string, readonly [TimerFault, (last: Message, one: Case) => readonly Message[]]>
> = {
  'a page a moment early': ['early', ({ to, atMs }) => [{ to, atMs: atMs - 30 }]],
  'a page minutes early': ['early', ({ to, atMs }) => [{ to, atMs: atMs - 55_000 }]],
  'a page two seconds late': ['late', ({ to, atMs }) => [{ to, atMs: atMs + 2000 }]],
  'a page an hour late': ['late', ({ to, atMs }) => [{ to, atMs: atMs + 3_600_000 }]],
  'a page that did not come': ['skipped', () => []],
  'a page twice': ['unexpected', (last) => [last, { ...last, atMs: last.atMs + 300 }]],
  'a page to somebody else': [
    'wrong person',
    ({ to, atMs }, { plan }) => {
      const users = plan.account.users.map(({ id }) => id);
      const own = users.findIndex((id) => to.includes(id));
      const other = users[(own + 1) % users.length] ?? '';
      return [{ to: to.replace(users[own] ?? '', `${other}-elsewhere`), atMs }];
    },
  ],
};

test.each(Object.entries(PLANTS))('%s', (_name, [kind, plant]) => {
  for (const one of cases) {
    const { messages } = one.seen;
    const last = messages.at(-1);
    if (!last || one.expected.messages.at(-1)?.optional === true) continue;
    const planted = { ...one.seen, messages: [...messages.slice(0, -1), ...plant(last, one)] };
    expect(kindsOf(one, planted)).toContain(kind);
  }
});

test('a page after the end, and one after an acknowledgement', () => {
  for (const one of cases) {
    const { entries, messages } = one.seen;
    const over = entries.findLast(({ type }) => /^(resolve|acknowledge)_/.test(type));
    if (!over || entries.at(-1) !== over) continue;
    const ghost = { to: messages[0]?.to ?? '', atMs: over.atMs + 30_000 };
    expect(kindsOf(one, { ...one.seen, messages: [...messages, ghost] })).toEqual(['unexpected']);
  }
});

test('an entry that is missing, late, early or too much, and an action that was refused', () => {
  for (const one of cases) {
    const { entries } = one.seen;
    const last = entries.at(-1);
    if (!last) throw new Error('a seed has a log');
    const all = (changed: readonly (typeof last)[]) =>
      kindsOf(one, { ...one.seen, entries: [...entries.slice(0, -1), ...changed] });
    expect(all([])).toEqual(['wrong log']);
    expect(all([last, last])).toEqual(['wrong log']);
    expect(all([{ ...last, toldMs: last.toldMs + 2000 }])).toEqual(['late']);
    expect(all([{ ...last, atMs: last.atMs - 1 }])).toEqual(['early']);
    const refusals = [{ atMs: last.atMs, text: 'refused' }];
    expect(kindsOf(one, { ...one.seen, refusals })).toEqual(['refused']);
  }
});
