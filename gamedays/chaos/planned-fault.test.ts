// The ledger says of each fault on which channels messages may meet it.
import { expect, test } from 'vitest';

import { channelsOf, silencesOf, type PlannedFault } from './planned-fault.ts';

const lease = (fault: Extract<PlannedFault, { kind: 'lease' }>['fault']) =>
  channelsOf({ kind: 'lease', atMs: 0, forMs: 1, fault });

test.each([
  [lease({ kind: 'refuse', link: 'sms-a' }), ['sms', 'voice']],
  [lease({ kind: 'hang', link: 'mail-b', direction: 'both' }), ['email']],
  [lease({ kind: 'mood', simulators: 'a', mood: { door: 'voice', kind: 'lying' } }), ['voice']],
  [lease({ kind: 'refuse', link: 'postgres' }), undefined],
  [lease({ kind: 'stop', process: 'api-1' }), undefined],
  [channelsOf({ kind: 'kill', atMs: 0, process: 'worker-1' }), undefined],
])('%# %j', (channels, expected) => {
  expect(channels).toEqual(expected);
});

test('a vendor that is silent says nothing of texts; about a call it can be asked', () => {
  const silent = (door: string, kind = 'silent') => {
    const fault = { kind: 'mood' as const, simulators: 'a', mood: { door, kind } };
    return silencesOf({ kind: 'lease', atMs: 0, forMs: 1, fault });
  };
  expect(silent('sms')).toEqual({ silences: { provider: 'a', channels: ['sms'] } });
  expect([silent('voice'), silent('sms', 'lying')]).toEqual([{}, {}]);
});
