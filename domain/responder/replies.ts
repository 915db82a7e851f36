import type { Answer, StopOutcome } from '../incident/types.ts';
import { findCode, isAlive } from './codes.ts';
import { RESPONDER_LIMITS } from './limits.ts';
import { methodOf, withMethod } from './methods.ts';
import { closePage } from './pages.ts';
import { acceptedText, alreadyText, choicesText, clock, type Choice } from './text.ts';
import type {
  Decision,
  IssuedCode,
  KnownIncident,
  Moment,
  OpenPage,
  Reply,
  ReplyOutcome,
  ResponderCommand,
  ResponderEvent,
  ResponderState,
} from './types.ts';

const HOUR = 3_600_000;
/** So long after a page is over a bare answer may still be meant for it. */
const LATE_ANSWER = 300_000;
/** Sooner after its message was handed over nobody has got, read and answered it, milliseconds. */
const READING_MS = 5000;
/** An api whose clock is off by more is not believed when a reply came, milliseconds. */
const CLOCK_MAX_MS = 60_000;

/** What a reply comes to, before it is remembered and its sender told. `notify` false: nothing more is said. */
interface Verdict extends Decision {
  readonly outcome: ReplyOutcome;
  readonly notify: boolean;
}

type ReplyEvent = Extract<ResponderEvent, { type: 'reply' }>;

/** Takes one reply. The same reply id a second time changes nothing. */
export function takeReply(state: ResponderState, event: ReplyEvent, moment: Moment): Decision {
  const { reply } = event;
  if (state.replies.some((item) => item.replyId === reply.replyId)) return { state, commands: [] };
  const verdict = judge(state, event, moment);
  const replies = [
    ...verdict.state.replies,
    { replyId: reply.replyId, outcome: verdict.outcome },
  ].slice(-RESPONDER_LIMITS.replies);
  const told = verdict.notify
    ? notice(verdict.state, reply, verdict.outcome, moment.nowMs)
    : verdict.state;
  return { state: { ...told, replies }, commands: verdict.commands };
}

/** A link as it lies in a mail or notification: what it would answer, and under which reply id. */
export interface AnswerLink extends Pick<Reply, 'replyId' | 'action'> {
  readonly code: string;
}

/** What a link says that was used, or whose incidents need no such answer any more; null while it can act. */
export function answeredText(
  state: ResponderState,
  link: AnswerLink,
  nowMs: number,
): string | null {
  const used = state.replies.find((item) => item.replyId === link.replyId);
  if (used) return `You have used this link already. ${used.outcome.text}`;
  const incidents = known(state, findCode(state, link.code, nowMs)?.incidentIds ?? []);
  const isOver = incidents.length > 0 && incidents.every((item) => isDone(item, link.action));
  return isOver ? alreadyText(incidents, state.userId) : null;
}

function judge(state: ResponderState, event: ReplyEvent, moment: Moment): Verdict {
  const { reply } = event;
  const isLocked = moment.nowMs < state.lockedUntilMs;
  if (reply.code !== null) {
    const issued = findCode(state, reply.code, moment.nowMs);
    if (issued) return act(state, reply, issued.incidentIds, moment);
    return isLocked ? locked(state, false) : wrongCode(state, reply, moment.nowMs);
  }
  if (isLocked) return locked(state, false);
  if (event.isTooSoon) return tooSoon(state, reply, moment.nowMs);
  return event.isAboutEarlier
    ? nothingOpen(state, reply, moment.nowMs)
    : bareReply(state, reply, moment);
}

/**
 * Whether a bare reply is about what is over by now: the one open page has not reached the person, as far as anybody
 * knows, and another that was over some minutes ago has. Otherwise an answer to the page before would answer one that nobody has seen.
 */
export function isAboutEarlier(state: ResponderState, reply: Reply, nowMs: number): boolean {
  const [page, ...more] = state.pages;
  if (reply.code !== null || !page || more.length > 0) return false;
  const mayBeSeen = page.progress.some((step) => step.state === 'accepted' || step.tries > 0);
  return !mayBeSeen && wasOverLately(state, reply, nowMs);
}

/**
 * Whether a bare reply came before anybody can have read of the one open page, while it may be meant for another that
 * was over some minutes ago: vendors, and an api that stood still, hand texts over late.
 */
export function isTooSoon(state: ResponderState, reply: Reply, nowMs: number): boolean {
  const [page, ...more] = state.pages;
  if (reply.code !== null || !page || more.length > 0) return false;
  if (!wasOverLately(state, reply, nowMs)) return false;
  const cameMs = Date.parse(reply.at);
  const isBelieved = cameMs <= nowMs && cameMs > nowMs - CLOCK_MAX_MS;
  const readBy = (isBelieved ? cameMs : nowMs) - READING_MS;
  return !state.codes.some(
    ({ incidentIds, issuedMs }) => incidentIds.includes(page.incidentId) && issuedMs <= readBy,
  );
}

function wasOverLately(state: ResponderState, reply: Reply, nowMs: number): boolean {
  const earlier = known(state, lastOver(state, reply, nowMs)?.incidentIds ?? []);
  return earlier.some(({ closed }) => closed && Date.parse(closed.at) > nowMs - LATE_ANSWER);
}

/** The last code, of those that this contact method was sent, that stands for nothing that is still open. */
function lastOver(state: ResponderState, reply: Reply, nowMs: number): IssuedCode | undefined {
  const open = new Set(state.pages.map(({ incidentId }) => incidentId));
  return state.codes.findLast(
    (code) =>
      isAlive(code, nowMs) &&
      (reply.contactMethodId === null || code.contactMethodId === reply.contactMethodId) &&
      !code.incidentIds.some((id) => open.has(id)),
  );
}

/** A reply without a code counts only while it can mean nothing but the one open page. */
function bareReply(state: ResponderState, reply: Reply, moment: Moment): Verdict {
  const [page, ...more] = state.pages;
  if (!page) return nothingOpen(state, reply, moment.nowMs);
  if (more.length === 0 && !page.requireReplyCodes && !reply.ambiguous) {
    return act(state, reply, [page.incidentId], moment);
  }
  const why =
    more.length > 0 ? `${state.pages.length} incidents are open` : 'A bare reply is not enough';
  const choices = choicesText(digit(reply), choicesOf(state, reply, moment.nowMs));
  const how = choices ?? `with the code from the message, like ${digit(reply)} ABC234`;
  return refuse(state, 'code_needed', `${why}: reply ${how}.`);
}

/** What the open pages can be answered with: for each the latest code that this contact method was sent. */
function choicesOf(state: ResponderState, reply: Reply, nowMs: number): readonly Choice[] {
  const alive = state.codes.filter(
    (code) =>
      isAlive(code, nowMs) &&
      (reply.contactMethodId === null || code.contactMethodId === reply.contactMethodId),
  );
  const byCode = new Map<string, string[]>();
  for (const { incidentId } of state.pages) {
    const latest = alive.findLast(({ incidentIds }) => incidentIds.includes(incidentId));
    if (latest) byCode.set(latest.code, [...(byCode.get(latest.code) ?? []), incidentId]);
  }
  return [...byCode].map(([code, ids]) => ({ code, incidents: known(state, ids) }));
}

function nothingOpen(state: ResponderState, reply: Reply, nowMs: number): Verdict {
  const last = lastOver(state, reply, nowMs);
  const incidents = known(state, last?.incidentIds ?? []).filter((item) => item.closed !== null);
  if (reply.ambiguous || incidents.length === 0 || !last) {
    return refuse(state, 'nothing_open', 'Nothing is open for you.');
  }
  const text = alreadyText(incidents, state.userId);
  if (incidents.every((item) => isDone(item, reply.action))) {
    return refuse(state, 'already_answered', text);
  }
  // The person may want more than was done (resolve after acknowledge): with the code it counts.
  const more = `To ${reply.action} now, reply ${digit(reply)} ${last.code}.`;
  return refuse(state, 'code_needed', `${text} ${more}`);
}

/** Whatever way the page went: on the way that was answered there may be no message of it yet. */
function tooSoon(state: ResponderState, reply: Reply, nowMs: number): Verdict {
  const choices = choicesOf(state, { ...reply, contactMethodId: null }, nowMs);
  const how = choicesText(digit(reply), choices) ?? 'again when you have read the new page';
  return refuse(state, 'code_needed', `This may be meant for an earlier incident: reply ${how}.`);
}

function digit({ action }: Reply): string {
  return { acknowledge: '4', resolve: '6', escalate: '5' }[action];
}

function wrongCode(state: ResponderState, reply: Reply, nowMs: number): Verdict {
  // Links, calls and pushes are signed: a code that they bring is old, never guessed.
  const guessable = reply.via === 'sms' || reply.via === 'email_reply';
  const recent = state.wrongCodesMs.filter((at) => at > nowMs - HOUR);
  const wrongCodesMs = (guessable ? [...recent, nowMs] : recent).slice(
    -RESPONDER_LIMITS.wrongCodesPerHour,
  );
  if (guessable && wrongCodesMs.length >= RESPONDER_LIMITS.wrongCodesPerHour) {
    const lockedUntilMs = nowMs + RESPONDER_LIMITS.lockoutMs;
    return locked({ ...state, wrongCodesMs: [], lockedUntilMs }, true);
  }
  const text = 'That code is unknown or too old. Use the code of the latest message.';
  return refuse({ ...state, wrongCodesMs }, 'unknown_code', text);
}

function locked(state: ResponderState, notify: boolean): Verdict {
  const until = clock(new Date(state.lockedUntilMs).toISOString());
  const text = `Too many wrong codes: until ${until} only a reply with a right code counts.`;
  return { state, commands: [], outcome: { result: 'locked_out', text }, notify };
}

function refuse(state: ResponderState, result: ReplyOutcome['result'], text: string): Verdict {
  return { state, commands: [], outcome: { result, text }, notify: true };
}

/** Answers those incidents that still can be answered so, and says who did the rest. */
function act(
  state: ResponderState,
  reply: Reply,
  incidentIds: readonly string[],
  { nowMs }: Moment,
): Verdict {
  const incidents = known(state, incidentIds);
  const open = incidents.filter((item) => !isDone(item, reply.action));
  const done = incidents.filter((item) => isDone(item, reply.action));
  if (open.length === 0) {
    return refuse(state, 'already_answered', alreadyText(done, state.userId));
  }
  const text = acceptedText(reply.action, open, done, state.userId);
  const closed = outcomeOf(state, reply, nowMs);
  return {
    state: open.reduce((next, item) => closePage(next, item.incidentId, closed), state),
    commands: open.map((item) => answer(state, reply, item, nowMs)),
    outcome: { result: 'accepted', text },
    notify: true,
  };
}

function known(state: ResponderState, incidentIds: readonly string[]): readonly KnownIncident[] {
  const wanted = new Set(incidentIds);
  return state.incidents.filter((item) => wanted.has(item.incidentId));
}

/** An escalated or reassigned incident still waits for an answer, and an acknowledged one can be resolved. */
function isDone({ closed }: KnownIncident, action: Reply['action']): boolean {
  if (closed === null) return false;
  return (
    closed.status === 'resolved' || (closed.status === 'acknowledged' && action === 'acknowledge')
  );
}

function outcomeOf(state: ResponderState, reply: Reply, nowMs: number): StopOutcome {
  const status = {
    acknowledge: 'acknowledged',
    resolve: 'resolved',
    escalate: 'escalated',
  } as const;
  return {
    status: status[reply.action],
    by: { type: 'user', id: state.userId, summary: state.userName },
    at: new Date(nowMs).toISOString(),
  };
}

function answer(
  state: ResponderState,
  reply: Reply,
  incident: KnownIncident,
  nowMs: number,
): ResponderCommand {
  const page = state.pages.find((item) => item.incidentId === incident.incidentId);
  const content: Answer = {
    actionId: `reply/${reply.replyId.slice(0, 200)}/${incident.incidentId}`,
    at: givenAt(reply, page, nowMs),
    waitedMs: 0,
    agent: { type: 'user', id: state.userId, summary: state.userName },
    channel: reply.via,
    // The alert's trace goes on to its answer; a vendor's callback can only begin one of its own.
    traceparent: page?.traceparent ?? reply.traceparent,
    incidentId: incident.incidentId,
    userId: state.userId,
    action: reply.action,
    pageId: incident.pageId,
  };
  return { type: 'answer', incidentWorkflowId: incident.incidentWorkflowId, answer: content };
}

/** As the api tells, unless its clock is wrong: nobody answers a page before it was sent, or later than now. */
function givenAt(reply: Reply, page: OpenPage | undefined, nowMs: number): string {
  const ms = Date.parse(reply.at);
  const isPossible = ms <= nowMs && (page === undefined || ms >= Date.parse(page.pagedAt));
  return isPossible ? reply.at : new Date(nowMs).toISOString();
}

/**
 * Queues the sentence for the person who wrote by SMS or mail; other ways show it in their own
 * answer. Refusals beyond ten an hour are not sent, so that nobody can make us write without end.
 */
function notice(
  state: ResponderState,
  reply: Reply,
  outcome: ReplyOutcome,
  nowMs: number,
): ResponderState {
  const channel = reply.via === 'sms' ? 'sms' : reply.via === 'email_reply' ? 'email' : null;
  if (channel === null || reply.contactMethodId === null) return state;
  const method = methodOf(state, reply.contactMethodId, channel);
  const recent = method.noticesMs.filter((at) => at > nowMs - HOUR);
  const refused = outcome.result !== 'accepted';
  const isTooMany = recent.length >= RESPONDER_LIMITS.refusalNoticesPerHour;
  if (method.optedOut || (refused && isTooMany && outcome.result !== 'locked_out')) return state;
  return withMethod(state, {
    ...method,
    notices: [...method.notices, outcome.text].slice(-RESPONDER_LIMITS.notices),
    noticesMs: refused ? [...recent, nowMs].slice(-RESPONDER_LIMITS.refusalNoticesPerHour) : recent,
  });
}
