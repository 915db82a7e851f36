import type { Channel } from '../model.ts';
import { furtherReceipt, isFinalReceipt, type ReceiptState } from '../receipt.ts';
import { RESPONDER_LIMITS } from './limits.ts';
import { log, type LogFacts } from './log.ts';
import { withMethod } from './methods.ts';
import { advance, withProgress } from './pages.ts';
import type {
  AwaitedReceipt,
  Decision,
  Delivery,
  DeliveryOutcome,
  DueItem,
  InFlight,
  MethodState,
  ResponderState,
} from './types.ts';

/** Vendors of the other channels report nothing: what they took is as far as anybody knows. */
const REPORTING: readonly Channel[] = ['sms', 'voice'];

/** Whether somebody has to say how far this message came. */
export function awaitsReceipt({ channel, message }: Delivery, outcome: DeliveryOutcome): boolean {
  const urgent = message.kind === 'page' && message.pages.some((page) => page.urgency === 'high');
  return urgent && outcome.result === 'accepted' && REPORTING.includes(channel);
}

interface Accepted {
  readonly inFlight: InFlight;
  readonly outcome: Extract<DeliveryOutcome, { result: 'accepted' }>;
}

/** Remembers an accepted message until its receipt; one that came before the acceptance counts now. */
export function awaitReceipt(
  state: ResponderState,
  { contactMethodId, channel }: MethodState,
  { inFlight, outcome }: Accepted,
  nowMs: number,
): ResponderState {
  const urgent = new Set(
    state.pages.filter((page) => page.urgency === 'high').map((page) => page.pageId),
  );
  const awaited: AwaitedReceipt = {
    deliveryId: inFlight.deliveryId,
    contactMethodId,
    channel,
    provider: outcome.provider,
    providerId: outcome.providerId,
    items: inFlight.items.filter((item) => urgent.has(item.pageId)),
    acceptedMs: nowMs,
    asked: false,
    receipt: null,
    over: false,
    ...(outcome.isRepeat === true && { isRepeat: true }),
  };
  const all = [...(state.awaited ?? []), awaited].slice(-RESPONDER_LIMITS.awaited);
  const waiting = { ...state, awaited: all };
  if (inFlight.receipt === undefined) return waiting;
  return takeReceipt(waiting, awaited.deliveryId, inFlight.receipt, nowMs);
}

/**
 * Takes a report, in whichever order and however often it comes. It never answers a page: it only sends it out
 * again, by another provider (the vendor failed) or by the next contact method (the phone was not reached).
 */
export function takeReceipt(
  state: ResponderState,
  deliveryId: string,
  report: ReceiptState,
  nowMs: number,
): ResponderState {
  const early = state.methods.find((method) => method.inFlight?.deliveryId === deliveryId);
  if (early?.inFlight) {
    const receipt = furtherReceipt(early.inFlight.receipt ?? null, report);
    return withMethod(state, { ...early, inFlight: { ...early.inFlight, receipt } });
  }
  const awaited = state.awaited?.find((item) => item.deliveryId === deliveryId);
  if (!awaited) return state;
  const receipt = furtherReceipt(awaited.receipt, report);
  if (receipt === awaited.receipt) return state;
  const known = change(state, { ...awaited, receipt });
  if (receipt === 'delivered') return spare(known, awaited);
  if (awaited.over || !isFinalReceipt(receipt)) return known;
  const over = change(known, { ...awaited, receipt, over: true });
  return receipt === 'failed'
    ? sendAgain(over, awaited, { isSilent: false, nowMs })
    : goOn(over, awaited, nowMs);
}

/** Whether a report about this message may change anything that is done. */
export function isAwaited(state: ResponderState, deliveryId: string): boolean {
  return (state.awaited ?? []).some((item) => item.deliveryId === deliveryId);
}

/** Asks vendors that have said nothing, and does without those that still say nothing. */
export function watchReceipts(state: ResponderState, nowMs: number): Decision {
  const open = onlyOpen(state, nowMs);
  const silent = (open.awaited ?? []).filter((item) => isSilent(item, nowMs));
  const told = silent.reduce(
    (s, item) => sendAgain(change(s, { ...item, over: true }), item, { isSilent: true, nowMs }),
    open,
  );
  const asking = (told.awaited ?? []).filter((item) => mustAsk(item, nowMs));
  const asked = asking.reduce((s, item) => change(s, { ...item, asked: true }), told);
  const commands = asking.map(({ deliveryId, channel, provider, providerId }) => ({
    type: 'askReceipt' as const,
    deliveryId,
    query: { channel, provider, providerId },
  }));
  return { state: asked, commands };
}

/** When `watchReceipts` has something to do; milliseconds since 1970. */
export function receiptsDue(state: ResponderState): readonly number[] {
  return (state.awaited ?? []).flatMap((item) => {
    if (isSettled(item)) return [];
    const silentMs = item.acceptedMs + RESPONDER_LIMITS.receiptMs;
    return item.asked ? [silentMs] : [item.acceptedMs + RESPONDER_LIMITS.askReceiptMs];
  });
}

function isSettled({ over, receipt }: AwaitedReceipt): boolean {
  return over || (receipt !== null && isFinalReceipt(receipt));
}

function isSilent(item: AwaitedReceipt, nowMs: number): boolean {
  return !isSettled(item) && nowMs >= item.acceptedMs + RESPONDER_LIMITS.receiptMs;
}

function mustAsk(item: AwaitedReceipt, nowMs: number): boolean {
  const due = nowMs >= item.acceptedMs + RESPONDER_LIMITS.askReceiptMs;
  return due && !item.asked && !isSettled(item);
}

function change(state: ResponderState, changed: AwaitedReceipt): ResponderState {
  const awaited = (state.awaited ?? []).map((item) =>
    item.deliveryId === changed.deliveryId ? changed : item,
  );
  return { ...state, awaited };
}

/** Forgets messages of which no page is open and in time any more. */
function onlyOpen(state: ResponderState, nowMs: number): ResponderState {
  if (!state.awaited || state.awaited.length === 0) return state;
  const open = new Set(
    state.pages.filter((page) => nowMs < page.notAfterMs).map((page) => page.pageId),
  );
  const awaited = state.awaited
    .map((one) => ({ ...one, items: one.items.filter((item) => open.has(item.pageId)) }))
    .filter((one) => one.items.length > 0);
  return { ...state, awaited };
}

/** The first copy has arrived after all: the second need not go, if it has not. */
function spare(state: ResponderState, { items }: AwaitedReceipt): ResponderState {
  return withProgress(state, items, (progress) =>
    progress.again && progress.state === 'waiting' ? { ...progress, state: 'accepted' } : progress,
  );
}

/** A second copy by another provider at once; where that was the second, the next contact method. */
function sendAgain(
  state: ResponderState,
  awaited: AwaitedReceipt,
  { isSilent, nowMs }: { readonly isSilent: boolean; readonly nowMs: number },
): ResponderState {
  const { provider } = awaited;
  const items = awaited.items.filter((item) => !hasArrived(state, item));
  const isCopy = (item: DueItem) =>
    awaited.isRepeat === true || progressOf(state, item)?.again !== undefined;
  const [copies, firsts] = [items.filter(isCopy), items.filter((item) => !isCopy(item))];
  const again = { avoid: provider, isSilent };
  const waiting = withProgress(state, firsts, (progress) =>
    progress.state === 'accepted'
      ? { ...progress, state: 'waiting', dueMs: nowMs, again }
      : progress,
  );
  const given = withProgress(waiting, copies, (progress) =>
    progress.state === 'accepted' && !isSilent && progress.again?.isSilent !== true
      ? { ...progress, state: 'failed' }
      : progress,
  );
  const next = copies.reduce((s, item) => advance(s, item, nowMs), given);
  const why = isSilent
    ? `Nothing was heard of it from ${provider} within ${RESPONDER_LIMITS.receiptMs / 1000} s`
    : `${provider} could not deliver it`;
  return log(next, facts(awaited, items, `${why}: it goes out by another way.`), nowMs);
}

/** One of its copies is known to have arrived. */
function hasArrived(state: ResponderState, { pageId, step }: DueItem): boolean {
  return (state.awaited ?? []).some(
    ({ receipt, items }) =>
      receipt === 'delivered' && items.some((item) => item.pageId === pageId && item.step === step),
  );
}

/** The phone was not reached: what comes next has its turn at once. */
function goOn(state: ResponderState, awaited: AwaitedReceipt, nowMs: number): ResponderState {
  const next = awaited.items.reduce((s, item) => advance(s, item, nowMs), state);
  const reason = 'The phone was not reached: the next contact method has its turn.';
  return log(next, facts(awaited, awaited.items, reason), nowMs);
}

function progressOf(state: ResponderState, item: DueItem) {
  return state.pages.find((page) => page.pageId === item.pageId)?.progress[item.step];
}

function facts(
  { channel, deliveryId, contactMethodId, provider, receipt }: AwaitedReceipt,
  items: readonly DueItem[],
  reason: string,
): readonly LogFacts[] {
  return items.map(({ incidentId, pageId }) => ({
    incidentId,
    channel,
    reason,
    details: { pageId, deliveryId, contactMethodId, provider, outcome: 'no_receipt', receipt },
  }));
}
