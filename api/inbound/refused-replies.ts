import { setTimeout as sleep } from 'node:timers/promises';

import type { Reply, ReplyOutcome } from '../../domain/responder/types.ts';
import { newId } from '../../platform/ids.ts';
import { parseTraceparent } from '../../platform/tracing.ts';
import type { RefusalLog } from '../refusals.ts';
import type { Responders, Who } from './responders.ts';

/** When the responder is asked what became of a reply; without a worker it does not know yet. */
const ASK_AFTER_MS = [500, 2000, 10_000] as const;
/** Replies that are followed at once; those beyond are not. */
const FOLLOWED_MAX = 100;
/** What came too late is no attempt at anything. */
const REFUSED: readonly ReplyOutcome['result'][] = ['unknown_code', 'locked_out', 'code_needed'];

/**
 * The same responders, whose refusals of replies (a wrong code, a code that was needed) the audit log is told. The
 * person who sent the reply never waits for that.
 */
export function tellingRefusals(
  responders: Responders,
  refusals: RefusalLog | undefined,
  askAfterMs: readonly number[] = ASK_AFTER_MS,
): Responders {
  if (!refusals) return responders;
  let followed = 0;
  const follow = async (who: Who, reply: Reply): Promise<void> => {
    for (const wait of askAfterMs) {
      await sleep(wait, undefined, { ref: false });
      const outcome = await responders.outcome(who, reply.replyId);
      if (outcome && REFUSED.includes(outcome.result)) {
        refusals.add(who.accountId, refusedReply(who, reply, outcome));
      }
      if (outcome) return;
    }
  };
  return {
    ...responders,
    reply: async (who, reply) => {
      const recorded = await responders.reply(who, reply);
      if (recorded === 'recorded' && followed < FOLLOWED_MAX) {
        followed += 1;
        void follow(who, reply).finally(() => (followed -= 1));
      }
      return recorded;
    },
  };
}

/** A sender can be forged, so this says whose number or address it came from, not who it was. */
function refusedReply({ userId }: Who, reply: Reply, { result }: ReplyOutcome) {
  return {
    ...{ id: newId('A'), actor_type: 'user', actor_id: userId, source: reply.via },
    ...{ action: 'update', operation: `reply_${reply.action}`, outcome: 'refused' as const },
    ...{ root_type: 'users', root_id: userId, reason: `The reply was refused: ${result}.` },
    request_id: reply.replyId,
    trace_id: parseTraceparent(reply.traceparent)?.traceId ?? null,
  };
}
