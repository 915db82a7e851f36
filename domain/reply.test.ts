// Property: what a person types is understood in every usual spelling, never as something else, and
// whatever else is typed is no answer.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeCode } from './responder/codes.ts';
import { parseDigit, parseReply } from './reply.ts';

const answer = (action: string, code: string | null = null) => ({ kind: 'answer', action, code });

describe('parseReply', () => {
  test.each([
    ['4', answer('acknowledge')],
    [' 4. ', answer('acknowledge')],
    ['４', answer('acknowledge')],
    ['ACK', answer('acknowledge')],
    ['"Acknowledge"', answer('acknowledge')],
    ['ack please', answer('acknowledge')],
    ['6', answer('resolve')],
    ['Resolved!', answer('resolve')],
    ['5', answer('escalate')],
    ['esc', answer('escalate')],
    ['4 K7QM2P', answer('acknowledge', 'K7QM2P')],
    ['4k7qm2p', answer('acknowledge', 'K7QM2P')],
    ['K7QM2P 6', answer('resolve', 'K7QM2P')],
    ['ack: k7qm2p.', answer('acknowledge', 'K7QM2P')],
    ['ack K7QM2P thanks a lot', answer('acknowledge', 'K7QM2P')],
    ['\n\n4\n\nOn Monday, PD Lite wrote:\n> Reply 6', answer('acknowledge')],
    ['res K7QM2P\r\n-- \r\nAna', answer('resolve', 'K7QM2P')],
    ['STOP', { kind: 'stop' }],
    ['unsubscribe', { kind: 'stop' }],
    ['Cancel', { kind: 'stop' }],
    ['end', { kind: 'stop' }],
    ['quit', { kind: 'stop' }],
    ['START', { kind: 'start' }],
    ['unstop', { kind: 'start' }],
    ['help', { kind: 'help' }],
    ['info', { kind: 'help' }],
  ])('%j', (text, meaning) => {
    expect(parseReply(text)).toEqual(meaning);
  });

  test.each([
    '',
    '  \n ',
    'K7QM2P',
    'hello',
    '> 4',
    '6 of us are on it',
    'on it, 4 minutes',
    '44',
    '7 K7QM2P',
    'constructor',
    'toString',
    'please stop that',
    'ack not yet',
    '-- \nack',
  ])('%j is no answer', (text) => {
    expect(parseReply(text)).toBeNull();
  });

  test('every code that we make is read back, before and after the action, in any case', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.constantFrom('4', '6', '5', 'ack', 'RES'), (chance, word) => {
        const code = makeCode(chance, 0, new Set());
        for (const text of [
          `${word} ${code}`,
          `${code.toLowerCase()} ${word}`,
          ` ${word}: ${code}!`,
        ]) {
          expect(parseReply(text)).toMatchObject({ kind: 'answer', code });
        }
      }),
    );
  });

  test('never throws', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseReply(text)));
  });
});

test.each([
  ['4', answer('acknowledge')],
  ['6', answer('resolve')],
  ['5', answer('escalate')],
  ['*', { kind: 'repeat' }],
  ['0', { kind: 'help' }],
  ['1', null],
  ['', null],
])('the key %j', (digit, meaning) => {
  expect(parseDigit(digit)).toEqual(meaning);
});
