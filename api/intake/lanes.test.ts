import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { Gate, GateFull } from './gate.ts';
import { Lanes } from './lanes.ts';
import { IntakeRefusal } from './sink.ts';

// Per key one call at a time and in order, over all keys never more calls than allowed, and beyond the
// bounds a refusal at once: what waits is bounded.
const tick = () => new Promise<void>((resolve) => setImmediate(resolve));
const reasonOf = (error: unknown) => (error instanceof IntakeRefusal ? error.reason : 'other');

describe('Lanes', () => {
  it('keeps the order of each key and sends every item once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 40 }),
        async (keys) => {
          const sent: string[] = [];
          const busy = new Set<string>();
          const lanes = new Lanes<string, unknown>({
            take: (waiting) => Math.min(3, waiting.length),
            send: async (batch) => {
              const key = batch[0].slice(0, 1);
              expect(busy.has(key)).toBe(false);
              busy.add(key);
              await tick();
              busy.delete(key);
              sent.push(...batch);
            },
            maxWaiting: 1000,
          });
          const items = keys.map((key, i) => `${key}${i}`);
          await Promise.all(items.map((item) => lanes.push(item.slice(0, 1), item)));
          for (const key of ['a', 'b', 'c']) {
            const of = (list: readonly string[]) => list.filter((item) => item.startsWith(key));
            expect(of(sent)).toEqual(of(items));
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it('rejects a whole batch that failed, and goes on with the next', async () => {
    let fails = true;
    const lanes = new Lanes<number, unknown>({
      take: () => 1,
      send: () => (fails ? Promise.reject(new Error('down')) : Promise.resolve()),
      maxWaiting: 10,
    });
    await expect(lanes.push('k', 1)).rejects.toThrow('down');
    fails = false;
    await expect(lanes.push('k', 2)).resolves.toBeUndefined();
  });

  it('refuses beyond its bound', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const lanes = new Lanes<number, unknown>({
      take: () => 1,
      send: () => promise,
      maxWaiting: 2,
    });
    const pushes = [1, 2, 3, 4].map((item) => lanes.push('k', item).catch(reasonOf));
    await expect(pushes[3]).resolves.toBe('overloaded');
    resolve(undefined);
    expect(await Promise.all(pushes)).toEqual([undefined, undefined, undefined, 'overloaded']);
  });
});

describe('Gate', () => {
  it('never lets more in than allowed, and serves those that wait in turn', async () => {
    const seen: number[] = [];
    const order: number[] = [];
    const gate = new Gate({
      maxInFlight: 2,
      maxWaiting: 100,
      maxWaitMs: 5000,
      observe: (inFlight) => seen.push(inFlight),
    });
    const works = Array.from({ length: 20 }, (_, i) =>
      gate.run(async () => {
        order.push(i);
        await tick();
      }),
    );
    await Promise.all(works);
    expect(Math.max(...seen)).toBe(2);
    expect(seen.at(-1)).toBe(0);
    expect(order).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it('refuses at once when the queue is full, and after the wait when nobody leaves', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const gate = new Gate({ maxInFlight: 1, maxWaiting: 1, maxWaitMs: 20 });
    const first = gate.run(() => promise);
    const second = gate.run(() => promise);
    second.catch(() => undefined);
    await expect(gate.run(() => promise)).rejects.toThrow(GateFull);
    await expect(second).rejects.toThrow('waited too long');
    resolve(undefined);
    await first;
    await expect(gate.run(() => Promise.resolve('in'))).resolves.toBe('in');
  });
});
