import { expect, test } from 'vitest';

import { recall } from './validate.ts';

// A request with an Idempotency-Key is known again by its action's id; another request with that key is told apart.
const KEY = '0123456789ABCDEF01234567';

test.each([
  [`R${KEY}-AAAAAAAAAAAA-0`, 'repeated'],
  [`R${KEY}-AAAAAAAAAAAA-1`, 'new'],
  [`R${KEY}-BBBBBBBBBBBB-0`, 'key_reused'],
  [`R${KEY.toLowerCase()}-BBBBBBBBBBBB-0`, 'new'],
  [`R${KEY.replace('0', 'F')}-BBBBBBBBBBBB-0`, 'new'],
  ['AOTHER', 'repeated'],
  ['ANEW', 'new'],
  ['', 'new'],
] as const)('%s is %s', (actionId, memory) => {
  expect(recall({ seen: ['AOTHER', `R${KEY}-AAAAAAAAAAAA-0`] }, actionId)).toBe(memory);
});
