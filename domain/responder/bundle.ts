import { makeCode, rememberCode } from './codes.ts';
import { RESPONDER_LIMITS } from './limits.ts';
import { log } from './log.ts';
import { methodOf, sendableAt, sent, withMethod } from './methods.ts';
import { withProgress } from './pages.ts';
import type {
  Decision,
  Delivery,
  DueItem,
  Message,
  MethodState,
  Moment,
  OpenPage,
  ResponderCommand,
  ResponderState,
  StepProgress,
} from './types.ts';

/** Everything that is due for one contact method. */
export interface DueForMethod {
  readonly method: MethodState;
  readonly items: readonly DueItem[];
  /** Has the first page of a high-urgency incident in it. */
  readonly urgent: boolean;
}

/** What is due, by contact method; those with only a notice waiting have no items. */
export function dueByMethod(state: ResponderState, nowMs: number): readonly DueForMethod[] {
  const groups = new Map<string, { method: MethodState; items: DueItem[]; urgent: boolean }>();
  for (const method of state.methods) {
    if (method.notices.length > 0) {
      groups.set(method.contactMethodId, { method, items: [], urgent: false });
    }
  }
  for (const page of state.pages) {
    page.steps.forEach((step, index) => {
      if (!isDue(page, index, nowMs)) return;
      const group = groups.get(step.contactMethodId) ?? {
        method: methodOf(state, step.contactMethodId, step.channel),
        items: [],
        urgent: false,
      };
      group.items.push({ pageId: page.pageId, incidentId: page.incidentId, step: index });
      group.urgent ||= isFirst(page, index) || page.progress[index]?.again !== undefined;
      groups.set(step.contactMethodId, group);
    });
  }
  return [...groups.values()].map((group) => ({ ...group, items: oneKind(state, group.items) }));
}

/**
 * Second copies go apart from the rest, since they avoid providers that the rest should try first; what has been
 * due longest decides.
 */
function oneKind(state: ResponderState, items: readonly DueItem[]): readonly DueItem[] {
  const due = items.flatMap((item) => {
    const progress = progressOf(state, item);
    return progress ? [{ item, dueMs: progress.dueMs, isCopy: progress.again !== undefined }] : [];
  });
  const [oldest] = due.toSorted((a, b) => a.dueMs - b.dueMs);
  return due.filter(({ isCopy }) => isCopy === oldest?.isCopy).map(({ item }) => item);
}

function progressOf(state: ResponderState, item: DueItem): StepProgress | undefined {
  return state.pages.find((page) => page.pageId === item.pageId)?.progress[item.step];
}

function isDue(page: OpenPage, step: number, nowMs: number): boolean {
  const progress = page.progress[step];
  return progress?.state === 'waiting' && progress.dueMs <= nowMs && nowMs < page.notAfterMs;
}

/** Whether nothing of this page has got through yet, or the step belongs to the first ones. */
function isFirst(page: OpenPage, step: number): boolean {
  if (page.urgency !== 'high') return false;
  const first = Math.min(...page.steps.map((item) => item.delaySec));
  return (
    page.steps[step]?.delaySec === first ||
    !page.progress.some((progress) => progress.state === 'accepted')
  );
}

/** The instant at which something may leave for this contact method; null while a message is under way. */
export function leavesAt({ method, items, urgent }: DueForMethod, nowMs: number): number | null {
  if (method.inFlight) return null;
  if (method.notices.length > 0) return nowMs;
  return items.length === 0 ? null : sendableAt(method, urgent, nowMs);
}

/** Sends one message to every contact method that may have one now. */
export function sendDue(state: ResponderState, moment: Moment): Decision {
  const ready = dueByMethod(state, moment.nowMs).filter((due) => {
    const at = leavesAt(due, moment.nowMs);
    return at !== null && at <= moment.nowMs;
  });
  let decision: Decision = { state, commands: [] };
  ready.forEach((due, slot) => {
    const isBefore = (other: DueForMethod) => other.method.channel === due.method.channel;
    const turn = ready.slice(0, slot).filter(isBefore).length;
    const next = mayPage(due, moment.nowMs)
      ? sendPages(decision.state, due, moment, { slot, turn })
      : sendNotice(decision.state, due.method, moment.nowMs);
    decision = { state: next.state, commands: [...decision.commands, ...next.commands] };
  });
  return decision;
}

/** Pages go before notices, unless limits hold the pages back. */
function mayPage({ method, items, urgent }: DueForMethod, nowMs: number): boolean {
  return items.length > 0 && sendableAt(method, urgent, nowMs) <= nowMs;
}

function sendPages(
  state: ResponderState,
  due: DueForMethod,
  moment: Moment,
  { slot, turn }: { readonly slot: number; readonly turn: number },
): Decision {
  const ids = new Set(due.items.map((item) => item.pageId));
  const pages = state.pages.filter((page) => ids.has(page.pageId));
  const code = makeCode(moment.chance, slot, new Set(state.codes.map((item) => item.code)));
  const delivery: Delivery = {
    ...address(state, due.method),
    message: pageMessage(state, pages, code),
    // The earliest: a message must not outlive any of its pages. What is lost so is sent again.
    notAfter: new Date(Math.min(...pages.map((page) => page.notAfterMs))).toISOString(),
    traceparent: pages[0]?.traceparent ?? null,
    ...avoiding(state, due.items),
    ...(turn > 0 && { turn }),
  };
  const marked = withProgress(state, due.items, (progress) => ({ ...progress, state: 'sending' }));
  const flying = withMethod(marked, {
    ...sent(due.method, due.urgent, moment.nowMs),
    inFlight: { deliveryId: delivery.deliveryId, items: due.items },
  });
  return {
    state: remember({ ...flying, nextDelivery: state.nextDelivery + 1 }, delivery, moment.nowMs),
    commands: [{ type: 'deliver', delivery }],
  };
}

function avoiding(
  state: ResponderState,
  items: readonly DueItem[],
): Pick<Delivery, 'avoidProviders'> {
  const avoid = items.flatMap((item) => progressOf(state, item)?.again?.avoid ?? []);
  return avoid.length > 0 ? { avoidProviders: [...new Set(avoid)] } : {};
}

function pageMessage(
  state: ResponderState,
  pages: readonly OpenPage[],
  code: string,
): Extract<Message, { kind: 'page' }> {
  return {
    kind: 'page',
    pages: pages.map((page) => ({
      pageId: page.pageId,
      incidentId: page.incidentId,
      incidentNumber: page.incidentNumber,
      title: page.title,
      serviceName: page.serviceName,
      urgency: page.urgency,
      triggeredAt: page.triggeredAt,
      first: isFirstPage(page),
    })),
    openCount: state.pages.length,
    code,
    codeDemanded: state.pages.length > 1 || pages.some((page) => page.requireReplyCodes),
  };
}

/** Whether this is what the alert itself set off, urgent and without any earlier try. */
function isFirstPage(page: OpenPage): boolean {
  return (
    page.urgency === 'high' &&
    page.progress.every(isUntried) &&
    Date.parse(page.pagedAt) - Date.parse(page.triggeredAt) < 5000
  );
}

function isUntried({ state, tries, again }: StepProgress): boolean {
  return state === 'waiting' && tries === 0 && again === undefined;
}

function address(
  state: ResponderState,
  method: MethodState,
): Pick<Delivery, 'deliveryId' | 'accountId' | 'userId' | 'contactMethodId' | 'channel'> {
  const { accountId, userId, instance, nextDelivery } = state;
  return {
    deliveryId: `responder/${accountId}/${userId}/${instance}-${nextDelivery}`,
    accountId,
    userId,
    contactMethodId: method.contactMethodId,
    channel: method.channel,
  };
}

function remember(state: ResponderState, delivery: Delivery, nowMs: number): ResponderState {
  if (delivery.message.kind !== 'page') return state;
  const incidentIds = delivery.message.pages.map((page) => page.incidentId);
  const { codes, forgotten } = rememberCode(state.codes, {
    code: delivery.message.code,
    contactMethodId: delivery.contactMethodId,
    issuedMs: nowMs,
    incidentIds,
  });
  const facts = incidentIds.slice(0, forgotten > 0 ? 1 : 0).map((incidentId) => ({
    incidentId,
    channel: 'auto' as const,
    reason: `${forgotten} older reply code(s) were forgotten, since the memory of codes is full.`,
    details: { outcome: 'codes_forgotten', count: forgotten },
  }));
  return log({ ...state, codes }, facts, nowMs);
}

function sendNotice(state: ResponderState, method: MethodState, nowMs: number): Decision {
  const [text, ...notices] = method.notices;
  if (text === undefined) return { state, commands: [] };
  const delivery: Delivery = {
    ...address(state, method),
    message: { kind: 'reply_result', text },
    notAfter: new Date(nowMs + RESPONDER_LIMITS.noticeLifeMs).toISOString(),
    traceparent: null,
  };
  const commands: readonly ResponderCommand[] = [{ type: 'deliver', delivery }];
  const flying = withMethod(state, {
    ...sent(method, false, nowMs),
    notices,
    inFlight: { deliveryId: delivery.deliveryId, items: [] },
  });
  return { state: { ...flying, nextDelivery: state.nextDelivery + 1 }, commands };
}
