import type { Request, RequestHandler, Response } from 'express';

import type { Reply, ReplyOutcome } from '../../domain/responder/types.ts';
import { verifyToken } from '../../platform/tokens.ts';
import type { TokenPayload } from '../../platform/tokens.ts';
import type { ApiDeps } from '../deps.ts';
import { sourceClass } from '../origin.ts';
import { PAGE_HEADERS, questionPage, resultPage } from './answer-page.ts';
import type { AnswerAction } from './answer-page.ts';
import { inboundReplies } from './metrics.ts';
import type { LinkToLook, Recorded, Responders } from './responders.ts';
import { traceparentOf } from './request.ts';

type LinkToken = TokenPayload & { readonly action: AnswerAction };
type Handler = RequestHandler<{ token: string }>;

const GONE = {
  status: 410,
  heading: 'This link does not work any more',
  text: 'It has expired, or was not copied whole. Open the latest message, or the incident itself.',
  result: 'invalid_link',
  good: false,
} as const;

interface Shown {
  readonly status: number;
  readonly heading: string;
  readonly text: string;
  readonly result: string;
  readonly good: boolean;
}

/** How long an answer may wait to learn whether its link was used before; without a worker nobody knows. */
const LOOK_MS = 300;

/** Shows what the link would do, or that it is done. Programs that open links change nothing. */
export function questionHandler(deps: ApiDeps, responders: Responders): Handler {
  return async (request, response) => {
    const payload = readToken(deps, request.params.token);
    if (!payload) {
      show(request, response, GONE);
      return;
    }
    const { answered, titles: found } = await responders.look(payload, linkOf(payload));
    if (answered !== null) {
      show(request, response, already(answered));
      return;
    }
    const titles = found.length > 0 || payload.text === undefined ? found : [payload.text];
    const html = questionPage(payload.action, titles.slice(0, 20), payload.incidentIds.length);
    response.status(200).set(PAGE_HEADERS).type('html').send(html);
  };
}

/** Answers. The responder counts a link once, by its token id. */
export function answerHandler(deps: ApiDeps, responders: Responders): Handler {
  return async (request, response) => {
    const payload = readToken(deps, request.params.token);
    if (!payload) {
      deps.refusals?.addUnknown('worthless link', sourceClass(request.ip));
      show(request, response, GONE);
      return;
    }
    const { answered } = await responders.look(payload, linkOf(payload), LOOK_MS);
    if (answered !== null) {
      inboundReplies.inc({ via: viaOf(deps, payload), result: 'already_answered' });
      show(request, response, already(answered));
      return;
    }
    const { accountId, userId, tokenId, action, code, contactMethodId } = payload;
    const reply: Reply = {
      ...{ replyId: tokenId, at: deps.now().toISOString(), via: viaOf(deps, payload) },
      ...{ contactMethodId, action, code, ambiguous: false, traceparent: traceparentOf(response) },
    };
    const recorded = await responders.reply(payload, reply);
    const outcome = recorded === 'recorded' ? await responders.outcome(payload, tokenId) : null;
    const { via } = reply;
    inboundReplies.inc({ via, result: recorded });
    deps.logger.info(
      { accountId, userId, replyId: tokenId, via, action, recorded },
      'reply received',
    );
    show(request, response, shown(recorded, outcome));
  };
}

function linkOf({ tokenId, action, code, incidentIds }: LinkToken): LinkToLook {
  return { replyId: tokenId, action, code, incidentIds };
}

function already(text: string): Shown {
  const heading = 'Answered already';
  return { status: 200, heading, text, result: 'already_answered', good: true };
}

function shown(recorded: Recorded, outcome: ReplyOutcome | null): Shown {
  if (recorded === 'down') {
    const text =
      'PD Lite cannot reach its engine. Please try again in a moment, or answer in another way.';
    return { status: 503, heading: 'NOT recorded', text, result: 'not_recorded', good: false };
  }
  if (recorded === 'nobody') {
    const text = 'This was answered or closed some time ago.';
    return { status: 200, heading: 'Nothing is open', text, result: 'nothing_open', good: false };
  }
  if (!outcome) {
    const text = 'Your answer is stored and takes effect as soon as a worker runs.';
    return { status: 202, heading: 'Recorded', text, result: 'recorded', good: true };
  }
  if (outcome.result === 'already_answered') return already(outcome.text);
  const good = outcome.result === 'accepted';
  const heading = good ? 'Done' : 'Nothing has changed';
  return { status: 200, heading, text: outcome.text, result: outcome.result, good };
}

function show(request: Request<{ token: string }>, response: Response, what: Shown): void {
  const { status, heading, text, result, good } = what;
  response.status(status).set(PAGE_HEADERS);
  if (status === 503) response.set('Retry-After', '5');
  if (request.accepts(['html', 'json']) === 'json') response.json({ result, text });
  else response.type('html').send(resultPage(heading, text, good));
}

function readToken({ config, now }: ApiDeps, token: string): LinkToken | null {
  const payload = verifyToken(config.LINK_SECRET, token, now().getTime());
  if (payload?.kind !== 'link' || payload.action === undefined) return null;
  return { ...payload, action: payload.action };
}

/** The way that the link went out is the way that it comes back. */
function viaOf(
  { directory }: ApiDeps,
  { accountId, userId, contactMethodId }: TokenPayload,
): Reply['via'] {
  const user = directory.account(accountId)?.users.get(userId);
  const channel = user?.contactMethods.find(({ id }) => id === contactMethodId)?.channel;
  return channel === 'push' || channel === 'webhook' ? channel : 'email_link';
}
