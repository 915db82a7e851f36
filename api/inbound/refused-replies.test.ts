// A reply that the responder refuses is told to the audit log once, asked for until the responder knows; one that
// counts, or comes too late, is not; and the sender waits for none of it.
import { expect, it, vi } from 'vitest';

import type { Reply, ReplyOutcome } from '../../domain/responder/types.ts';
import type { RefusalLog } from '../refusals.ts';
import { tellingRefusals } from './refused-replies.ts';
import type { Recorded, Responders } from './responders.ts';

const who = { accountId: 'PACC', userId: 'PUSER' };
const reply: Reply = {
  ...{ replyId: 'SM1', at: '2026-11-24T10:00:00.000Z', via: 'sms', contactMethodId: 'PM' },
  ...{ action: 'acknowledge', code: 'WRONG1', ambiguous: false, traceparent: null },
};

function world(outcomes: (ReplyOutcome['result'] | null)[], recorded: Recorded = 'recorded') {
  const add = vi.fn<RefusalLog['add']>();
  const left = [...outcomes];
  const responders = {
    reply: () => Promise.resolve(recorded),
    outcome: () => {
      const result = left.shift() ?? null;
      return Promise.resolve(result && { result, text: '' });
    },
  } as unknown as Responders;
  const refusals = { add } as unknown as RefusalLog;
  return { add, left, telling: tellingRefusals(responders, refusals, [1, 1, 1]) };
}

it('tells a refused reply once, when the responder knows', async () => {
  const { add, telling } = world([null, 'unknown_code', 'unknown_code']);
  expect(await telling.reply(who, reply)).toBe('recorded');
  expect(add).not.toHaveBeenCalled();
  await vi.waitFor(() => expect(add).toHaveBeenCalledOnce());
  expect(add.mock.calls[0]).toMatchObject([
    'PACC',
    { actor_id: 'PUSER', source: 'sms', operation: 'reply_acknowledge', request_id: 'SM1' },
  ]);
});

it.each(['accepted', 'already_answered', 'nothing_open'] as const)(
  'does not tell %s',
  async (one) => {
    const { add, left, telling } = world([one, 'locked_out']);
    await telling.reply(who, reply);
    await vi.waitFor(() => expect(left).toEqual(['locked_out']));
    expect(add).not.toHaveBeenCalled();
  },
);

it('asks nobody about what was not recorded', async () => {
  const { left, telling } = world(['unknown_code'], 'down');
  expect(await telling.reply(who, reply)).toBe('down');
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(left).toEqual(['unknown_code']);
});
