// A provider that is down hard is left within seconds, is asked at most once in 15 seconds while it is, comes
// back after three successes; whatever happens in whatever order, a message can always go somewhere.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  admission,
  began,
  BREAKER,
  CLOSED,
  failed,
  paused,
  probed,
  probeDueMs,
  probing,
  succeeded,
  undecided,
} from './breaker.ts';
import type { BreakerState } from './breaker.ts';
import { providerOrder } from './provider-order.ts';

type Step = (state: BreakerState, nowMs: number) => BreakerState;
const steps: Readonly<Record<string, Step>> = {
  began,
  failed,
  succeeded,
  undecided,
  probing,
  paused: (state, nowMs) => paused(state, 5000, nowMs),
  healthy: (state, nowMs) => probed(state, true, nowMs),
  ill: (state, nowMs) => probed(state, false, nowMs),
};
const history = fc.array(
  fc.record({ step: fc.constantFrom(...Object.keys(steps)), afterMs: fc.integer({ max: 30_000 }) }),
  { maxLength: 200 },
);

function run(list: readonly { readonly step: string; readonly afterMs: number }[]) {
  let nowMs = 0;
  const states: { state: BreakerState; nowMs: number; step: string }[] = [];
  let state = CLOSED;
  for (const { step, afterMs } of list) {
    nowMs += Math.abs(afterMs);
    state = steps[step]?.(state, nowMs) ?? state;
    states.push({ state, nowMs, step });
  }
  return states;
}

describe('whatever happens', () => {
  test('a breaker is closed by real successes only, and its counts stay within their bounds', () => {
    fc.assert(
      fc.property(history, (list) => {
        let before = CLOSED;
        for (const { state, step } of run(list)) {
          if (before.phase !== 'closed' && state.phase === 'closed') expect(step).toBe('succeeded');
          if (state.phase === 'closed') expect(state.failures).toBeLessThan(BREAKER.failures);
          if (state.phase === 'half_open') expect(state.successes).toBeLessThan(BREAKER.successes);
          before = state;
        }
      }),
    );
  });

  test('an open one is asked for its health within 15 s, a suspected one too, others never', () => {
    fc.assert(
      fc.property(history, (list) => {
        for (const { state, nowMs } of run(list)) {
          const due = probeDueMs(state);
          const wanted = state.phase === 'open' || (state.phase === 'closed' && state.failures > 0);
          expect(due !== null && due <= nowMs + BREAKER.probeEveryMs).toBe(wanted);
        }
      }),
    );
  });

  test('nothing keeps it from being tried again: a minute after the last event it lets something in', () => {
    fc.assert(
      fc.property(history, (list) => {
        const last = run(list).at(-1);
        if (last) expect(admission(last.state, last.nowMs + 60_000)).not.toBe('refused');
      }),
    );
  });
});

test('three failures open it; a page and two health checks do so without any more pages', () => {
  const thrice = failed(failed(failed(CLOSED, 0), 1), 2);
  expect(thrice.phase).toBe('open');
  let state = failed(CLOSED, 5000);
  let nowMs = 5000;
  while (state.phase === 'closed') {
    nowMs = probeDueMs(state) ?? Infinity;
    state = probed(probing(state, nowMs), false, nowMs + 2000);
  }
  expect(nowMs + 2000).toBeLessThanOrEqual(15_000);
});

test('back: healthy, then three messages one at a time; a failure among them opens it for 15 s more', () => {
  const open = failed(failed(failed(CLOSED, 0), 0), 0);
  expect([admission(open, 1), admission(began(open, 1), 2)]).toEqual(['last', 'refused']);
  const half = probed(open, true, 15_000);
  expect(admission(half, 15_000)).toBe('trial');
  expect(admission(began(half, 15_000), 15_001)).toBe('doubtful');
  expect(admission(began(half, 15_000), 35_001)).toBe('trial');
  const twice = succeeded(succeeded(began(half, 15_000)));
  expect(succeeded(twice)).toEqual(CLOSED);
  expect(failed(twice, 16_000)).toMatchObject({ phase: 'open', probeAtMs: 31_000 });
});

test('a message’s own fault says nothing, and health alone excuses no failures', () => {
  const twice = failed(failed(CLOSED, 0), 0);
  expect(failed(undecided(probed(twice, true, 1)), 2).phase).toBe('open');
  expect(undecided(CLOSED)).toBe(CLOSED);
});

describe('the order', () => {
  const admissions = fc.constantFrom('trial', 'free', 'doubtful', 'last', 'refused');
  const candidates = fc
    .array(admissions, { maxLength: 6 })
    .map((list) => list.map((one, index) => ({ id: `p${index}`, admission: one })));
  const turn = fc.record({
    avoid: fc.subarray(['p0', 'p1', 'p2']),
    sharePercent: fc.double({ min: 0, max: 100, noNaN: true }),
    lot: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    turn: fc.nat(5),
  });

  test('has every provider once that may be asked, and no other', () => {
    fc.assert(
      fc.property(candidates, turn, (list, one) => {
        const may = list.filter(
          (item) => item.admission !== 'refused' && !one.avoid.includes(item.id),
        );
        expect([...providerOrder(list, one)].sort()).toEqual(may.map(({ id }) => id).sort());
      }),
    );
  });

  test('puts those that are down behind those that are not', () => {
    const list = (['last', 'free', 'refused', 'trial', 'doubtful', 'free'] as const).map(
      (one, index) => ({ id: `p${index}`, admission: one }),
    );
    const order = providerOrder(list, { avoid: [], sharePercent: 0, lot: 0, turn: 0 });
    expect(order).toEqual(['p3', 'p1', 'p5', 'p4', 'p0']);
  });

  test('gives the others their share, evenly', () => {
    const list = ['p0', 'p1', 'p2'].map((id) => ({ id, admission: 'free' as const }));
    const firsts = Array.from({ length: 10_000 }, (_, n) =>
      providerOrder(list, { avoid: [], sharePercent: 10, lot: n / 10_000, turn: 0 }).at(0),
    );
    const count = (id: string) => firsts.filter((first) => first === id).length;
    expect([count('p0'), count('p1'), count('p2')]).toEqual([9000, 500, 500]);
  });

  test('gives messages that leave together to one provider after the other', () => {
    const list = (['free', 'last', 'free', 'free'] as const).map((one, index) => ({
      ...{ id: `p${index}`, admission: one },
    }));
    const firsts = [0, 1, 2, 3].map((turn) =>
      providerOrder(list, { avoid: [], sharePercent: 0, lot: 0, turn }).at(0),
    );
    expect(firsts).toEqual(['p0', 'p2', 'p3', 'p0']);
  });
});
