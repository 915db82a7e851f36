import {
  type Cause,
  type Draft,
  clockCause,
  log,
  notLater,
  setState,
  setView,
  stop,
  takeCommandId,
} from './draft.ts';
import { escalateTo, hasLaterRule, notAfter, pageNow } from './escalation.ts';
import { pageIdOf } from './page-id.ts';
import type {
  CurrentPage,
  IncidentCommand,
  IncidentState,
  PageResult,
  Unreachable,
} from './types.ts';
import { isMeantFor } from './validate.ts';

/** False for a page that an answer or a later step has overtaken: the workflow leaves it out. */
export function isWanted(state: IncidentState, command: IncidentCommand): boolean {
  if (command.type !== 'page') return true;
  if (state.view.status === 'resolved') return false;
  if (command.why === 'responder_request') return true;
  return state.view.status === 'triggered' && state.currentPage?.commandId === command.commandId;
}

/**
 * A page that failed may have reached some before it was overtaken. They are told to stop, whoever they are,
 * unless they are paged for this incident by other means.
 */
export function takeGivenUp(
  d: Draft,
  command: Extract<IncidentCommand, { type: 'page' }>,
  why: { readonly lostTick?: true } = {},
): void {
  const { view, pagedUserIds, requestedUserIds, currentPage } = d.state;
  const open = view.status === 'triggered';
  const by = open ? (currentPage?.agent ?? view.lastStatusChangeBy) : view.lastStatusChangeBy;
  d.commands.push({
    type: 'stop',
    commandId: takeCommandId(d),
    userIds: [],
    upTo: command.commandId,
    outcome: open
      ? { status: 'escalated', by, at: d.now }
      : { status: view.status, by, at: view.lastStatusChangeAt },
    mayHaveReached: {
      targets: command.targets,
      urgency: view.urgency,
      sparing: [...new Set([...pagedUserIds, ...requestedUserIds])],
    },
    ...why,
  });
}

/** What a page found. Whoever it reached is assigned; whoever was paged before is told to stop. */
export function takePaged(d: Draft, result: PageResult): void {
  const cause = clockCause(d, 'auto', notLater(result.at, d.now));
  if (d.state.view.responderRequests.some(({ id }) => id === result.commandId)) {
    takeRequested(d, result, cause);
    return;
  }
  const page = d.state.currentPage;
  const wanted = page?.commandId === result.commandId && d.state.view.status === 'triggered';
  if (!wanted) {
    stopOvertaken(d, result);
    return;
  }
  setState(d, { currentPage: { ...page, userIds: result.userIds } });
  if (result.via === 'nobody' || result.userIds.length === 0) takeNobody(d, result, cause);
  else takeReached(d, page, result, cause);
}

/** The answer came while the page went out: those that it reached need not go on, unless they are paged anew. */
function stopOvertaken(d: Draft, result: PageResult): void {
  const { status, lastStatusChangeBy: by, lastStatusChangeAt: at } = d.state.view;
  const done = status !== 'triggered';
  const strangers = done
    ? result.userIds
    : result.userIds.filter((id) => !d.state.pagedUserIds.includes(id));
  if (done) stop(d, strangers, { status, by, at });
  else setState(d, { pagedUserIds: [...d.state.pagedUserIds, ...strangers] });
}

function takeReached(d: Draft, page: CurrentPage, result: PageResult, cause: Cause): void {
  const before = d.state.pagedUserIds.filter((id) => !result.userIds.includes(id));
  const status = page.why === 'reassign' ? 'reassigned' : 'escalated';
  stop(d, before, { status, by: page.agent, at: cause.at });
  setState(d, { pagedUserIds: result.userIds });
  assign(d, result.userIds, { keep: page.named, at: cause.at });
  const { type, reason } = describe(result, page);
  log(d, { type, reason, cause }, pageFacts(result, page));
}

function assign(
  d: Draft,
  userIds: readonly string[],
  how: { readonly keep: boolean; readonly at: string },
): void {
  const { assignments } = d.state.view;
  const kept = assignments.filter(({ userId }) => how.keep || userIds.includes(userId));
  const added = userIds.filter((id) => !kept.some(({ userId }) => userId === id));
  setView(d, { assignments: [...kept, ...added.map((userId) => ({ userId, at: how.at }))] });
}

function pageFacts(result: PageResult, page: CurrentPage): Record<string, unknown> {
  const { userIds, via, empty, ruleIndex } = result;
  return { userIds, via, empty, ruleIndex, why: page.why };
}

/** Loud wherever the never-drop rule had to choose. */
function describe(
  result: PageResult,
  page: CurrentPage,
): { type: 'assign_log_entry'; reason: string } {
  const type = 'assign_log_entry';
  const rule = `rule ${result.ruleIndex + 1}`;
  const who = result.via === 'catch_all' ? "the account's catch-all user" : "the account's owner";
  if (result.via !== 'policy')
    return { type, reason: `NOBODY WAS ON CALL for ${rule}; paged ${who} instead.` };
  const part =
    result.empty.length > 0 ? ` ${result.empty.length} of its targets led to nobody.` : '';
  return {
    type,
    reason: page.named ? `Paged the assigned users.${part}` : `Paged ${rule}.${part}`,
  };
}

/** Not even the owner can be paged. The incident stays open; the next rule is tried at once, else the path repeats. */
function takeNobody(d: Draft, result: PageResult, cause: Cause): void {
  const reason =
    `NOBODY COULD BE PAGED for rule ${result.ruleIndex + 1}: neither on-call, nor catch-all, ` +
    'nor owner has a way to be reached. The incident stays open and the escalation goes on.';
  log(d, { type: 'assign_log_entry', reason, cause }, { via: 'nobody', empty: result.empty });
  if (canStepAtOnce(d.state)) {
    const next = d.state.view.escalation.ruleIndex + 1;
    escalateTo(d, next, cause, `Rule ${next} led to nobody; escalated at once.`);
  }
}

/** Steps at once stay within one pass, so that an unreachable account is tried at the policy's pace. */
function canStepAtOnce(state: IncidentState): boolean {
  return state.view.escalation.timer.kind === 'armed' && hasLaterRule(state);
}

function takeRequested(d: Draft, result: PageResult, cause: Cause): void {
  const at = cause.at;
  const known = d.state.requestedUserIds;
  if (d.state.view.status === 'resolved') {
    stop(d, result.userIds, { status: 'resolved', by: cause.agent, at });
    return;
  }
  setState(d, { requestedUserIds: [...new Set([...known, ...result.userIds])] });
  setView(d, {
    responderRequests: d.state.view.responderRequests.map((request) => {
      if (request.id !== result.commandId) return request;
      const responders = result.userIds.map((userId) => ({
        userId,
        state: 'pending' as const,
        updatedAt: at,
      }));
      return { ...request, responders };
    }),
  });
  const reason =
    result.via === 'policy'
      ? 'Paged the requested responders.'
      : 'NO REQUESTED RESPONDER could be paged; the never-drop rule chose instead.';
  log(d, { type: 'notify_log_entry', reason, cause }, { userIds: result.userIds, via: result.via });
}

/** A responder request pages beside the escalation and does not touch it. */
export function pageResponders(
  d: Draft,
  targets: Extract<IncidentCommand, { type: 'page' }>['targets'],
): string {
  const commandId = takeCommandId(d);
  d.commands.push({
    type: 'page',
    commandId,
    targets,
    ruleIndex: d.state.view.escalation.ruleIndex,
    notAfter: notAfter(d),
    why: 'responder_request',
  });
  return commandId;
}

/** False for what a responder reports late, when a newer page has taken over. */
export function isOfCurrentPage(state: IncidentState, { pageId }: Unreachable): boolean {
  const { view, currentPage } = state;
  return currentPage !== null && pageId === pageIdOf(view.id, currentPage.commandId);
}

/** None of a user's contact methods works. If that is so for all who were paged, waiting is of no use. */
export function takeUnreachable(d: Draft, report: Unreachable, anyPage: boolean): void {
  const page = d.state.currentPage;
  if (!isMeantFor(d.state, report.incidentId)) return;
  if (!anyPage && !isOfCurrentPage(d.state, report)) return;
  if (d.state.view.status !== 'triggered' || !page) return;
  if (!d.state.pagedUserIds.includes(report.userId)) return;
  if (page.unreachableIds.includes(report.userId)) return;
  const cause = clockCause(d, 'auto', notLater(report.at, d.now));
  const unreachableIds = [...page.unreachableIds, report.userId];
  setState(d, { currentPage: { ...page, unreachableIds } });
  const reason = `User ${report.userId} CANNOT BE REACHED: ${report.reason}`;
  log(
    d,
    { type: 'notify_log_entry', reason, cause },
    { userId: report.userId, pageId: report.pageId },
  );
  if (d.state.pagedUserIds.every((id) => unreachableIds.includes(id))) goOnUnheard(d, page, cause);
}

function goOnUnheard(d: Draft, page: CurrentPage, cause: Cause): void {
  const { ruleIndex, timer } = d.state.view.escalation;
  if (canStepAtOnce(d.state)) {
    const reason = `NOBODY OF RULE ${ruleIndex + 1} CAN BE REACHED; escalated at once.`;
    escalateTo(d, ruleIndex + 1, cause, reason);
  } else if (timer.kind === 'none' && !page.lastResort) {
    const reason = 'NOBODY OF THE ASSIGNED CAN BE REACHED; paging the catch-all.';
    log(d, { type: 'escalate_log_entry', reason, cause });
    pageNow(d, [], { why: 'escalate', cause, named: true, lastResort: true });
  }
}
