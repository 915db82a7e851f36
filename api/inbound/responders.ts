import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client, WorkflowHandle } from '@temporalio/client';

import { RESPONDER } from '../../domain/messages.ts';
import type { OptOut, Reply, ReplyOutcome, ResponderState } from '../../domain/responder/types.ts';
import { responderWorkflowId } from '../../temporal-config/names.ts';

/** A person of an account. */
export interface Who {
  readonly accountId: string;
  readonly userId: string;
}

/** `nobody`: the person has, and lately had, no page. `down`: it is not recorded. */
export type Recorded = 'recorded' | 'nobody' | 'down';

/** What inbound asks of the responders' workflows. Nothing here throws or takes longer than 2 s. */
export interface Responders {
  reply(who: Who, reply: Reply): Promise<Recorded>;
  optOut(who: Who, optOut: OptOut): Promise<Recorded>;
  /** What became of a reply; null while no worker has looked at it. */
  outcome(who: Who, replyId: string): Promise<ReplyOutcome | null>;
  /** Titles of those of these incidents that the responder still knows. */
  titles(who: Who, incidentIds: readonly string[]): Promise<readonly string[]>;
}

const SIGNAL_MS = 2000;
const QUERY_MS = 1500;

/** The responders behind a Temporal client. */
export function createResponders(temporal: Client): Responders {
  const handleOf = ({ accountId, userId }: Who) =>
    temporal.workflow.getHandle(responderWorkflowId(accountId, userId));
  const limited = <T>(ms: number, call: () => Promise<T>) =>
    inTime(ms, temporal.withDeadline(Date.now() + ms, call));
  const signal = (who: Who, send: (handle: WorkflowHandle) => Promise<void>) =>
    limited(SIGNAL_MS, () => send(handleOf(who))).then(
      () => 'recorded' as const,
      (error: unknown) => (error instanceof WorkflowNotFoundError ? 'nobody' : 'down'),
    );
  return {
    reply: (who, reply) => signal(who, (handle) => handle.signal(RESPONDER.signals.reply, reply)),
    optOut: (who, optOut) =>
      signal(who, (handle) => handle.signal(RESPONDER.signals.optOut, optOut)),
    outcome: (who, replyId) =>
      limited(QUERY_MS, () =>
        handleOf(who).query<ReplyOutcome | null, [string]>(RESPONDER.queries.replyOutcome, replyId),
      ).catch(() => null),
    titles: async (who, incidentIds) => {
      const state = await limited(QUERY_MS, () =>
        handleOf(who).query<ResponderState>(RESPONDER.queries.state),
      ).catch(() => null);
      const wanted = state?.incidents.filter((item) => incidentIds.includes(item.incidentId)) ?? [];
      return wanted.map((item) => `#${item.incidentNumber} ${item.title}`);
    },
  };
}

/** The client's own deadline counts from the connection on; this one counts always. */
async function inTime<T>(ms: number, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`No answer within ${ms} ms.`)), ms);
  work.catch(() => undefined);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}
