import type { Channel } from '../model.ts';
import { RESPONDER_LIMITS } from './limits.ts';
import { log } from './log.ts';
import type { LogFacts } from './log.ts';
import { withMethod } from './methods.ts';
import { advance, withProgress } from './pages.ts';
import { awaitReceipt } from './receipts.ts';
import type {
  DeliveryOutcome,
  DueItem,
  MethodState,
  OpenPage,
  ResponderState,
  StepProgress,
} from './types.ts';

/** Takes what became of a delivery. One that is not under way changes nothing. */
export function takeOutcome(
  state: ResponderState,
  deliveryId: string,
  outcome: DeliveryOutcome,
  { nowMs, awaitsReceipt }: { readonly nowMs: number; readonly awaitsReceipt: boolean },
): ResponderState {
  const method = state.methods.find((item) => item.inFlight?.deliveryId === deliveryId);
  if (!method?.inFlight) return state;
  const { inFlight } = method;
  const { items } = inFlight;
  const landed = withMethod(state, { ...method, inFlight: null });
  const moved = withProgress(landed, affected(landed, method, items, outcome), (progress, page) =>
    after(progress, page, outcome, nowMs),
  );
  const goesOn = outcome.result === 'rejected' || outcome.result === 'failed';
  const next = goesOn ? items.reduce((s, item) => advance(s, item, nowMs), moved) : moved;
  const logged = log(next, describe(method, deliveryId, items, outcome), nowMs);
  return awaitsReceipt && outcome.result === 'accepted'
    ? awaitReceipt(logged, method, { inFlight, outcome }, nowMs)
    : logged;
}

/** A rejection holds for the page's later steps on the same contact method too. */
function affected(
  state: ResponderState,
  method: MethodState,
  items: readonly DueItem[],
  outcome: DeliveryOutcome,
): readonly DueItem[] {
  if (outcome.result !== 'rejected') return items;
  const paged = new Set(items.map((item) => item.pageId));
  const later = state.pages
    .filter((page) => paged.has(page.pageId))
    .flatMap((page) =>
      page.steps.flatMap((step, index) =>
        step.contactMethodId === method.contactMethodId && page.progress[index]?.state === 'waiting'
          ? [{ pageId: page.pageId, incidentId: page.incidentId, step: index }]
          : [],
      ),
    );
  return [...items, ...later];
}

function after(
  progress: StepProgress,
  page: OpenPage,
  outcome: DeliveryOutcome,
  nowMs: number,
): StepProgress {
  if (outcome.result === 'accepted') return { ...progress, state: 'accepted' };
  if (outcome.result === 'rejected') return { ...progress, state: 'rejected' };
  if (outcome.result === 'stale' && nowMs >= page.notAfterMs) {
    return { ...progress, state: 'skipped' };
  }
  // Stale, and yet open: another page of the bundle was over, or the answer was not seen yet. Soon again.
  const waitMs = outcome.result === 'stale' ? RESPONDER_LIMITS.tokenMs : RESPONDER_LIMITS.retryMs;
  const tries = progress.tries + 1;
  // A second copy that nobody takes is not tried a third time.
  const isCopy = progress.again !== undefined && outcome.result === 'failed';
  const again = !isCopy && tries < RESPONDER_LIMITS.tries && nowMs + waitMs < page.notAfterMs;
  return again
    ? { ...progress, state: 'waiting', dueMs: nowMs + waitMs, tries }
    : { ...progress, state: withoutCopy(progress), tries };
}

/** What a step is worth that goes out no more: a first copy of which nothing was heard may have arrived. */
function withoutCopy({ again }: StepProgress): StepProgress['state'] {
  return again?.isSilent === true ? 'accepted' : 'failed';
}

function describe(
  method: MethodState,
  deliveryId: string,
  items: readonly DueItem[],
  outcome: DeliveryOutcome,
): readonly LogFacts[] {
  const byIncident = new Map(items.map((item) => [item.incidentId, item]));
  return [...byIncident.values()].map((item) => ({
    incidentId: item.incidentId,
    channel: method.channel,
    reason: reasonOf(method.channel, outcome),
    details: {
      pageId: item.pageId,
      deliveryId,
      contactMethodId: method.contactMethodId,
      notificationType: method.channel,
      outcome: outcome.result,
      bundledWith: byIncident.size - 1,
      ...facts(outcome),
    },
  }));
}

function reasonOf(channel: Channel, outcome: DeliveryOutcome): string {
  switch (outcome.result) {
    case 'accepted':
      return `Notified by ${channel}${detour(outcome)}.`;
    case 'rejected':
      return `Not notified by ${channel}: ${outcome.reason}`;
    case 'failed':
      return `Could not notify by ${channel}: ${outcome.reason}`;
    case 'stale':
      return `Nothing was sent by ${channel}: answered or over when it was due.`;
  }
}

/** Says who sent it, when somebody else should have. */
function detour({ provider, after }: Extract<DeliveryOutcome, { result: 'accepted' }>): string {
  if (after === undefined || after.length === 0) return '';
  const failed = after.map((item) => `${item.provider} (${item.failure})`).join(', ');
  return ` through ${provider}, after ${failed} failed`;
}

function facts(outcome: DeliveryOutcome): Readonly<Record<string, unknown>> {
  switch (outcome.result) {
    case 'accepted':
      return {
        provider: outcome.provider,
        providerId: outcome.providerId,
        ...(outcome.after === undefined ? {} : { after: outcome.after }),
      };
    case 'stale':
      return {};
    default:
      return { provider: outcome.provider, failure: outcome.failure };
  }
}

/** Refuses what is due for contact methods that said STOP, so that the next step comes at once. */
export function refuseOptedOut(state: ResponderState, nowMs: number): ResponderState {
  const stopped = new Set(
    state.methods.filter((item) => item.optedOut).map((item) => item.contactMethodId),
  );
  if (stopped.size === 0) return state;
  const items = state.pages.flatMap((page) =>
    page.steps.flatMap((step, index) =>
      stopped.has(step.contactMethodId) && page.progress[index]?.state === 'waiting'
        ? [{ pageId: page.pageId, incidentId: page.incidentId, step: index }]
        : [],
    ),
  );
  const due = items.filter((item) => isDueNow(state, item, nowMs));
  if (due.length === 0) return state;
  const refused = withProgress(state, due, (progress) => ({ ...progress, state: 'rejected' }));
  const next = due.reduce((s, item) => advance(s, item, nowMs), refused);
  const entries = due.map((item) => optOutFacts(state, item));
  // The step that is due now may lead to a stopped contact method as well; ends, since each round uses up a step.
  return refuseOptedOut(log(next, entries, nowMs), nowMs);
}

function isDueNow(state: ResponderState, item: DueItem, nowMs: number): boolean {
  const page = state.pages.find((candidate) => candidate.pageId === item.pageId);
  const progress = page?.progress[item.step];
  return progress !== undefined && progress.dueMs <= nowMs;
}

function optOutFacts(state: ResponderState, item: DueItem): LogFacts {
  const page = state.pages.find((candidate) => candidate.pageId === item.pageId);
  const step = page?.steps[item.step];
  return {
    incidentId: item.incidentId,
    channel: step?.channel ?? 'auto',
    reason: 'Not notified: the person opted out by STOP.',
    details: {
      pageId: item.pageId,
      contactMethodId: step?.contactMethodId ?? null,
      outcome: 'rejected',
      failure: 'OptedOut',
    },
  };
}
