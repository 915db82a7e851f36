// A page in a provider's ledger is told from other messages, with the alerts that it names and how many it does not.
import { expect, test } from 'vitest';

import { keyOfAlert, readReceived } from './received.ts';

const at = '2026-01-01T00:00:00.000Z';
let nextId = 0;

function read(...items: readonly Record<string, unknown>[]) {
  const entries = items.map((item) => ({
    seq: ++nextId,
    item: { id: `${nextId}`, at, address: 'a', direction: 'in', ...item },
  }));
  return readReceived('v', entries).map(({ channel, keys, unnamed }) => [channel, keys, unnamed]);
}

test('a text for one, for some and for more than fit', () => {
  const one = 'PD Lite: #1 x000001 down (S). Reply 4: Ack, 6: Resolve';
  const some =
    'PD Lite: 2 new, 5 open. #1 x000001 (S); #2 x000002 (S). Reply 4 ABC: Ack, 6 ABC: Resolve';
  const more = 'PD Lite: 9 open. #1 x000001 (S); +8 more. Reply 4 ABC: Ack, 6 ABC: Resolve';
  expect(read(...[one, some, more].map((text) => ({ type: 'sms', text })))).toEqual([
    ['sms', ['x000001'], 0],
    ['sms', ['x000001', 'x000002'], 0],
    ['sms', ['x000001'], 8],
  ]);
});

test('push, mail and calls; what answers a reply, and what a person wrote, is no page', () => {
  const title = '#3 x000003 (S)';
  const mail = { type: 'mail', subject: title, text: `${title}\nAcknowledge: http://a/b` };
  expect(
    read(
      { type: 'push', title, text: `One open incident.\n${title}`, actions: [{}] },
      mail,
      { type: 'call', spoken: ['One open incident. #3 x000003 (S).', 'Press 4'] },
      { type: 'call', spoken: [] },
      { type: 'push', title: 'x000003 was acknowledged', text: '', actions: [] },
      { type: 'sms', text: 'PD Lite: #3 x000003 was acknowledged by Ada.' },
      { type: 'sms', direction: 'out', text: '4 ABC Reply 4' },
      { ...mail, direction: 'out' },
      { type: 'request', door: 'sms' },
    ),
  ).toEqual([
    ['push', ['x000003'], 0],
    ['email', ['x000003'], 0],
    ['voice', ['x000003'], 0],
    ['voice', [], 1],
  ]);
});

test('an item counts as it stood last', () => {
  const item = { id: 'c', at, address: 'a', type: 'call', spoken: [] as string[] };
  const entries = [
    { seq: 1, item },
    { seq: 2, item: { ...item, spoken: ['#1 x000001 (S).'] } },
  ];
  const numbers = { x000001: '1' };
  expect(readReceived('v', entries)).toMatchObject([{ keys: ['x000001'], numbers, provider: 'v' }]);
});

test('keys are six digits', () => {
  expect(keyOfAlert(42)).toBe('x000042');
});
