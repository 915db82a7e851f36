import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client, WorkflowHandle } from '@temporalio/client';

import { RESPONDER } from '../../domain/messages.ts';
import type { Receipt } from '../../domain/receipt.ts';
import { answeredText, type AnswerLink } from '../../domain/responder/replies.ts';
import type { OptOut, Reply, ReplyOutcome, ResponderState } from '../../domain/responder/types.ts';
import { responderWorkflowId } from '../../temporal-config/names.ts';
import { readWorkflow } from '../../temporal-config/read-workflow.ts';

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
  receipt(who: Who, receipt: Receipt): Promise<Recorded>;
  /** What became of a reply; null while no worker has looked at it. */
  outcome(who: Who, replyId: string): Promise<ReplyOutcome | null>;
  /** What a link is about, changing nothing. Takes 1.5 s at most, or the shorter `limitMs`. */
  look(who: Who, link: LinkToLook, limitMs?: number): Promise<Looked>;
}

export interface LinkToLook extends AnswerLink {
  /** At least the first of those that its code stands for. */
  readonly incidentIds: readonly string[];
}

export interface Looked {
  /** Of those of its incidents that the responder still knows; none while no worker runs. */
  readonly titles: readonly string[];
  /** Says that it was used, or can change nothing any more; null when it can, or nobody can tell. */
  readonly answered: string | null;
}

const SIGNAL_MS = 2000;
const READ_MS = 1500;

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
    receipt: (who, receipt) =>
      signal(who, (handle) => handle.signal(RESPONDER.signals.receipt, receipt)),
    outcome: (who, replyId) =>
      limited(READ_MS, () =>
        readWorkflow<ReplyOutcome | null>(handleOf(who), RESPONDER.queries.replyOutcome, replyId),
      ).catch(() => null),
    look: async (who, link, limitMs = READ_MS) => {
      const state = await limited(limitMs, () =>
        readWorkflow<ResponderState>(handleOf(who), RESPONDER.queries.state),
      ).catch(() => null);
      if (!state) return { titles: [], answered: null };
      const about = state.incidents.filter((item) => link.incidentIds.includes(item.incidentId));
      const titles = about.map((item) => `#${item.incidentNumber} ${item.title}`);
      return { titles, answered: answeredText(state, link, Date.now()) };
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
