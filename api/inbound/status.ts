import type { RequestHandler } from 'express';

import type { ApiDeps } from '../deps.ts';
import { deliveryReceipts } from './metrics.ts';
import { field, formOf } from './twilio-guard.ts';

const MAX_SIDS = 10_000;
const RANKS: Readonly<Record<string, number>> = {
  ...{ queued: 0, accepted: 0, scheduled: 0, initiated: 0, sending: 1, ringing: 1, sent: 2 },
  ...{ 'in-progress': 2, answered: 2, delivered: 3, undelivered: 3, failed: 3, read: 4 },
  ...{ completed: 3, busy: 3, 'no-answer': 3, canceled: 3 },
};

/**
 * Reports about messages and calls, in any order and number: a status counts once for each id, and only
 * when it is further on than what is known. The last 10,000 ids are remembered.
 */
export function statusHandler(deps: ApiDeps): RequestHandler<{ channel: string }> {
  const known = new Map<string, number>();
  return (request, response) => {
    const form = formOf(request.body);
    const channel = request.params.channel === 'voice' ? 'voice' : 'sms';
    const [sid, status] =
      channel === 'voice'
        ? [field(form, 'CallSid'), field(form, 'CallStatus')]
        : [field(form, 'MessageSid'), field(form, 'MessageStatus')];
    const rank = Object.hasOwn(RANKS, status) ? RANKS[status] : undefined;
    response.status(204).end();
    if (sid === '' || rank === undefined || rank <= (known.get(sid) ?? -1)) return;
    known.delete(sid);
    known.set(sid, rank);
    const [oldest] = known.keys();
    if (known.size > MAX_SIDS && oldest !== undefined) known.delete(oldest);
    deliveryReceipts.inc({ channel, status });
    const { delivery: given } = request.query;
    const delivery = typeof given === 'string' ? given.slice(0, 300) : null;
    const errorCode = field(form, 'ErrorCode') || null;
    deps.logger.info({ channel, providerId: sid, status, errorCode, delivery }, 'delivery report');
  };
}
