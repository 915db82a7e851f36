// A sealed text opens with its own secret and purpose only, and not when a single bit of it was changed.
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { seal, SealError, unseal } from './seal.ts';

const SECRET = 's'.repeat(32);

test('opens what was sealed', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      expect(unseal(SECRET, 'contacts', seal(SECRET, 'contacts', text))).toBe(text);
    }),
  );
});

test('does not open with another secret, for another purpose, or after a change', () => {
  const sealed = seal(SECRET, 'contacts', 'secret');
  expect(sealed).not.toContain('secret');
  expect(() => unseal('t'.repeat(32), 'contacts', sealed)).toThrow(SealError);
  expect(() => unseal(SECRET, 'other', sealed)).toThrow(SealError);
  const [version, iv = '', tag, data] = sealed.split('.');
  const flipped = Buffer.from(iv, 'base64');
  flipped[0] = (flipped[0] ?? 0) ^ 1;
  const changed = [version, flipped.toString('base64'), tag, data].join('.');
  for (const wrong of [changed, '', 'v1', 'v2.a.b.c', 'hello']) {
    expect(() => unseal(SECRET, 'contacts', wrong)).toThrow(SealError);
  }
});
