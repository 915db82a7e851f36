// What the command line asks for is read whole or refused with the reason; the help names every scenario.
import { expect, test } from 'vitest';

import { helpText, readArguments } from './arguments.ts';
import { SCENARIOS } from './scenarios.ts';

const read = (...args: string[]) => readArguments(args, SCENARIOS);

test('everything is run when nothing is chosen', () => {
  expect(read('--seed', '7')).toMatchObject({ seed: '7', minutes: null, scenarios: SCENARIOS });
});

test('scenarios are run in the order in which they are named', () => {
  const given = read('--scenario', 'ack-race', '--scenario', 'kill', '--minutes', '0.5');
  expect(given).toMatchObject({
    minutes: 0.5,
    scenarios: [{ name: 'ack-race' }, { name: 'kill' }],
  });
});

test.each([
  [['--minutes', '0'], /--minutes/],
  [['--minutes', 'long'], /--minutes/],
  [['--minutes', '1000'], /--minutes/],
  [['--scenario', 'none'], /no scenario none/],
  [['--what'], /--what/],
])('%j is refused', (args, reason) => {
  expect(() => read(...args)).toThrow(reason);
});

test('the help names every scenario', () => {
  expect(read('--help')).toBe('help');
  for (const { name } of SCENARIOS) expect(helpText(SCENARIOS)).toContain(`  ${name} `);
});
