import { isLaterPage } from '../incident/page-id.ts';
import type { StopOutcome } from '../incident/types.ts';
import { RESPONDER_LIMITS } from './limits.ts';
import { log } from './log.ts';
import type {
  Decision,
  DueItem,
  KnownIncident,
  Moment,
  OpenPage,
  Page,
  ResponderCommand,
  ResponderState,
  StepProgress,
  StopPages,
} from './types.ts';

const HOUR = 3_600_000;

/**
 * Opens a page. A page seen before changes nothing; a newer page of the same incident takes the
 * older one's place. With too many open pages the incident is told to go on to somebody else.
 */
export function openPage(state: ResponderState, page: Page, { nowMs }: Moment): Decision {
  if (state.seenPages.includes(page.pageId)) return { state, commands: [] };
  const seenPages = [...state.seenPages, page.pageId].slice(-RESPONDER_LIMITS.seenPages);
  const others = state.pages.filter((item) => item.incidentId !== page.incidentId);
  const known = knowIncident(
    { ...state, seenPages, userName: page.userName ?? state.userName },
    page,
  );
  if (others.length >= RESPONDER_LIMITS.pages) {
    const reason = `${others.length} pages are open already.`;
    return { state: known, commands: [unreachable(state, page, reason, nowMs)] };
  }
  return { state: { ...known, pages: [...others, started(page, nowMs)] }, commands: [] };
}

function started(page: Page, nowMs: number): OpenPage {
  const pagedMs = instant(page.pagedAt, nowMs);
  return {
    ...page,
    title: page.title.slice(0, RESPONDER_LIMITS.title),
    serviceName: page.serviceName.slice(0, RESPONDER_LIMITS.title),
    notAfterMs: instant(page.notAfter, nowMs + HOUR),
    progress: page.steps.map((step) => ({
      state: 'waiting',
      dueMs: pagedMs + step.delaySec * 1000,
      tries: 0,
    })),
    reported: false,
  };
}

/** Milliseconds since 1970; a text that is no instant counts as `otherwise`, since a page must not be lost over it. */
function instant(text: string, otherwise: number): number {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? otherwise : ms;
}

function knowIncident(state: ResponderState, page: Page): ResponderState {
  const known: KnownIncident = {
    incidentId: page.incidentId,
    incidentNumber: page.incidentNumber,
    incidentWorkflowId: page.incidentWorkflowId,
    title: page.title.slice(0, RESPONDER_LIMITS.title),
    pageId: page.pageId,
    closed: null,
  };
  const others = state.incidents.filter((item) => item.incidentId !== page.incidentId);
  const oldest = others.find((item) => item.closed !== null);
  const kept =
    others.length >= RESPONDER_LIMITS.incidents ? others.filter((item) => item !== oldest) : others;
  return { ...state, incidents: [...kept, known] };
}

/** Closes the incident's page, unless it is a newer one than the stop is meant for. */
export function stopPage(state: ResponderState, stop: StopPages): ResponderState {
  const { incidentId, upTo } = stop;
  const page = state.pages.find((item) => item.incidentId === incidentId);
  if (page && upTo !== undefined && isLaterPage(page, upTo)) return state;
  return closePage(state, incidentId, stop.outcome);
}

/** Closes the incident's page and remembers who answered, when, and how. */
export function closePage(
  state: ResponderState,
  incidentId: string,
  closed: StopOutcome,
): ResponderState {
  return {
    ...state,
    pages: state.pages.filter((page) => page.incidentId !== incidentId),
    incidents: state.incidents.map((item) =>
      item.incidentId === incidentId ? { ...item, closed } : item,
    ),
  };
}

/** Changes the progress of the steps that the items name. */
export function withProgress(
  state: ResponderState,
  items: readonly DueItem[],
  change: (progress: StepProgress, page: OpenPage) => StepProgress,
): ResponderState {
  const named = new Set(items.map((item) => `${item.pageId} ${item.step}`));
  const touched = new Set(items.map((item) => item.pageId));
  const pages = state.pages.map((page) =>
    touched.has(page.pageId)
      ? {
          ...page,
          progress: page.progress.map((progress, step) =>
            named.has(`${page.pageId} ${step}`) ? change(progress, page) : progress,
          ),
        }
      : page,
  );
  return { ...state, pages };
}

/**
 * Makes the step that follows the item's, on another contact method, due at once. Steps that failed
 * before are passed over; one that is under way or accepted is enough.
 */
export function advance(state: ResponderState, item: DueItem, nowMs: number): ResponderState {
  const page = state.pages.find((candidate) => candidate.pageId === item.pageId);
  const failed = page?.steps[item.step]?.contactMethodId;
  const next = page?.progress.findIndex(
    (progress, step) =>
      step > item.step &&
      page.steps[step]?.contactMethodId !== failed &&
      (progress.state === 'waiting' || isUnderWay(progress)),
  );
  if (next === undefined || next < 0) return state;
  return withProgress(state, [{ ...item, step: next }], (progress) =>
    progress.state === 'waiting' && progress.tries === 0
      ? { ...progress, dueMs: Math.min(progress.dueMs, nowMs) }
      : progress,
  );
}

function isUnderWay(progress: StepProgress): boolean {
  return progress.state === 'sending' || progress.state === 'accepted';
}

/** Skips the steps whose time is over, and forgets pages that nobody stopped for a week. */
export function endPages(state: ResponderState, nowMs: number): ResponderState {
  const missed = state.pages.filter((page) => isOver(page, nowMs) && !wasTried(page));
  const pages = state.pages
    .filter((page) => nowMs < page.notAfterMs + RESPONDER_LIMITS.pageLifeMs)
    .map((page) => (isOver(page, nowMs) ? { ...page, progress: skipRest(page) } : page));
  const facts = missed.map((page) => ({
    incidentId: page.incidentId,
    channel: 'auto' as const,
    reason: 'No message got through before the page’s time was over.',
    details: { pageId: page.pageId, outcome: 'expired' },
  }));
  return log({ ...state, pages }, facts, nowMs);
}

function isOver(page: OpenPage, nowMs: number): boolean {
  return nowMs >= page.notAfterMs && page.progress.some((progress) => progress.state === 'waiting');
}

function wasTried(page: OpenPage): boolean {
  return page.reported || page.progress.some(isUnderWay);
}

function skipRest(page: OpenPage): readonly StepProgress[] {
  return page.progress.map((progress) =>
    progress.state === 'waiting'
      ? { ...progress, state: progress.again?.isSilent === true ? 'accepted' : 'skipped' }
      : progress,
  );
}

/** Reports, once each, the pages that no contact method took. */
export function reportUnreachable(state: ResponderState, nowMs: number): Decision {
  const lost = new Set(state.pages.filter(isExhausted).map((page) => page.pageId));
  if (lost.size === 0) return { state, commands: [] };
  const commands = state.pages
    .filter((page) => lost.has(page.pageId))
    .map((page) => unreachable(state, page, exhaustion(page), nowMs));
  const pages = state.pages.map((page) =>
    lost.has(page.pageId) ? { ...page, reported: true } : page,
  );
  return { state: { ...state, pages }, commands };
}

function isExhausted(page: OpenPage): boolean {
  return (
    !page.reported && page.progress.every(({ state }) => state === 'rejected' || state === 'failed')
  );
}

function exhaustion(page: OpenPage): string {
  if (page.steps.length === 0) return 'The user has no verified contact method for this urgency.';
  return `None of ${page.steps.length} notification rule(s) got through.`;
}

function unreachable(
  state: ResponderState,
  page: Page,
  reason: string,
  nowMs: number,
): ResponderCommand {
  return {
    type: 'unreachable',
    incidentWorkflowId: page.incidentWorkflowId,
    report: {
      incidentId: page.incidentId,
      userId: state.userId,
      pageId: page.pageId,
      at: new Date(nowMs).toISOString(),
      reason,
    },
  };
}
