import { dueByMethod, leavesAt, sendDue } from './bundle.ts';
import { isAlive } from './codes.ts';
import { refuseOptedOut, takeOutcome } from './delivered.ts';
import { RESPONDER_LIMITS } from './limits.ts';
import { isBusy, methodOf, withMethod } from './methods.ts';
import { endPages, openPage, reportUnreachable, stopPage } from './pages.ts';
import { receiptsDue, takeReceipt, watchReceipts } from './receipts.ts';
import { takeReply } from './replies.ts';
import type {
  Decision,
  Moment,
  OptOut,
  ReplyOutcome,
  ResponderEvent,
  ResponderInput,
  ResponderState,
} from './types.ts';

const THREE_HOURS = 3 * 3_600_000;

/** A responder without pages, or the one that an earlier run of the workflow carried over. */
export function startResponder(input: ResponderInput, chance: string): ResponderState {
  if (input.carried) return input.carried;
  return {
    accountId: input.accountId,
    userId: input.userId,
    userName: input.userId,
    instance: chance.replaceAll('-', '').slice(0, 8).toUpperCase(),
    pages: [],
    seenPages: [],
    nextDelivery: 1,
    nextLogSeq: 1,
    outbox: [],
    methods: [],
    incidents: [],
    codes: [],
    replies: [],
    wrongCodesMs: [],
    lockedUntilMs: 0,
  };
}

/** Takes one event and then sends what is due. Total: whatever does not fit the state changes nothing. */
export function reduce(state: ResponderState, event: ResponderEvent, moment: Moment): Decision {
  const taken = take(state, event, moment);
  const planned = plan(taken.state, moment);
  return { state: planned.state, commands: [...taken.commands, ...planned.commands] };
}

/** Takes one event without sending, so that events which came together are bundled together. */
export function take(state: ResponderState, event: ResponderEvent, moment: Moment): Decision {
  switch (event.type) {
    case 'page':
      return openPage(state, event.page, moment);
    case 'reply':
      return takeReply(state, event, moment);
    case 'stop':
      return only(stopPage(state, event.stop));
    case 'optOut':
      return only(optOut(state, event.optOut));
    case 'delivered':
      return only(delivered(state, event, moment));
    case 'receipt':
      return only(takeReceipt(state, event.deliveryId, event.state, moment.nowMs));
    case 'projected':
      return only(projected(state, event.entryIds));
    case 'tick':
      return only(state);
  }
}

function only(state: ResponderState): Decision {
  return { state, commands: [] };
}

function delivered(
  state: ResponderState,
  { deliveryId, outcome, awaitsReceipt }: Extract<ResponderEvent, { type: 'delivered' }>,
  { nowMs }: Moment,
): ResponderState {
  return takeOutcome(state, deliveryId, outcome, { nowMs, awaitsReceipt: awaitsReceipt === true });
}

function projected(state: ResponderState, entryIds: readonly string[]): ResponderState {
  const done = new Set(entryIds);
  return { ...state, outbox: state.outbox.filter((entry) => !done.has(entry.id)) };
}

function optOut(state: ResponderState, { contactMethodId, optedOut }: OptOut): ResponderState {
  // SMS is where STOP comes from; a method that was paged before is known with its own channel.
  const method = methodOf(state, contactMethodId, 'sms');
  return withMethod(state, {
    ...method,
    optedOut,
    notices: optedOut ? [] : method.notices,
  });
}

/** Ends what is over, reports what cannot get through, sends what is due. */
export function plan(state: ResponderState, moment: Moment): Decision {
  const { nowMs } = moment;
  const watched = watchReceipts(endPages(forget(state, nowMs), nowMs), nowMs);
  const reported = reportUnreachable(refuseOptedOut(watched.state, nowMs), nowMs);
  const sending = sendDue(reported.state, moment);
  const commands = [...watched.commands, ...reported.commands, ...sending.commands];
  return { state: sending.state, commands };
}

/** Forgets codes after seven days, incidents that no code and no page can mean any more, and idle contact methods. */
function forget(state: ResponderState, nowMs: number): ResponderState {
  const codes = state.codes.filter((code) => isAlive(code, nowMs));
  const methods = state.methods.filter(
    (item) => isBusy(item) || item.sentMs.some((at) => at > nowMs - THREE_HOURS),
  );
  if (codes.length === state.codes.length && methods.length === state.methods.length) return state;
  const needed = new Set([
    ...codes.flatMap((code) => code.incidentIds),
    ...state.pages.map((page) => page.incidentId),
  ]);
  const incidents = state.incidents.filter((item) => needed.has(item.incidentId));
  return { ...state, codes, methods, incidents };
}

/** The next instant at which a tick changes something; null: none. Milliseconds since 1970. */
export function nextWake(state: ResponderState, nowMs: number): number | null {
  const waiting = state.pages.flatMap((page) => {
    const due = page.progress.flatMap((item) => (item.state === 'waiting' ? [item.dueMs] : []));
    const end = due.length > 0 ? page.notAfterMs : page.notAfterMs + RESPONDER_LIMITS.pageLifeMs;
    return [...due, end];
  });
  const leaving = dueByMethod(state, nowMs).flatMap((due) => leavesAt(due, nowMs) ?? []);
  const codes = state.codes.map((code) => code.issuedMs + RESPONDER_LIMITS.codeLifeMs);
  // Codes end one by one, but nothing is to be done before the last of them.
  const lastCode = codes.length > 0 ? [Math.max(...codes)] : [];
  const later = [
    ...[...waiting, ...receiptsDue(state)].filter((at) => at > nowMs),
    ...leaving,
    ...lastCode,
  ];
  return later.length > 0 ? Math.min(...later) : null;
}

/** Nothing is open, under way or unwritten, and no code can be answered any more. */
export function isFinished(state: ResponderState, nowMs: number): boolean {
  return (
    state.pages.length === 0 &&
    state.outbox.length === 0 &&
    !isUnderWay(state) &&
    !state.codes.some((code) => isAlive(code, nowMs))
  );
}

/** Whether a message is under way or waits to be. */
export function isUnderWay(state: ResponderState): boolean {
  return state.methods.some((item) => item.inFlight !== null || item.notices.length > 0);
}

/** What became of a reply; null while it has not come. */
export function replyOutcome(state: ResponderState, replyId: string): ReplyOutcome | null {
  return state.replies.find((item) => item.replyId === replyId)?.outcome ?? null;
}

/** Those of the pages that are still open. */
export function openPages(state: ResponderState, pageIds: readonly string[]): readonly string[] {
  const open = new Set(state.pages.map((page) => page.pageId));
  return pageIds.filter((pageId) => open.has(pageId));
}
