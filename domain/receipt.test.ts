// Reports about one message come reversed, doubled, late or not at all: what is known never goes back, and
// is the same whatever the order.
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { furtherReceipt, isFinalReceipt } from './receipt.ts';
import type { ReceiptState } from './receipt.ts';

const STATES: readonly ReceiptState[] = ['queued', 'sent', 'delivered', 'unreached', 'failed'];

function fold(reports: readonly ReceiptState[]): readonly (ReceiptState | null)[] {
  const known: (ReceiptState | null)[] = [null];
  for (const report of reports) known.push(furtherReceipt(known.at(-1) ?? null, report));
  return known;
}

test('1,000 reports shuffled by a seed end in one state, and never go back on the way', () => {
  const reports = fc.array(fc.constantFrom(...STATES), { minLength: 1000, maxLength: 1000 });
  const shuffled = reports.chain((list) =>
    fc.tuple(
      fc.constant(list),
      fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length }),
    ),
  );
  fc.assert(
    fc.property(shuffled, ([sent, received]) => {
      const known = fold(received);
      expect(known.at(-1)).toBe(fold(sent).at(-1));
      const ranks = known.map((state) => (state === null ? -1 : STATES.indexOf(state)));
      expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
    }),
    { numRuns: 50 },
  );
});

test('a report that comes twice changes nothing', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...STATES), { maxLength: 20 }), (reports) => {
      const twice = reports.flatMap((report) => [report, report]);
      expect(fold(twice).at(-1)).toBe(fold(reports).at(-1));
    }),
  );
});

test('what the vendor says last about the phone or itself is final', () => {
  expect(STATES.filter(isFinalReceipt)).toEqual(['delivered', 'unreached', 'failed']);
});
