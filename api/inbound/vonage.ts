import { raw } from 'express';
import type { RequestHandler, Response, Router } from 'express';

import { steadyTimeMs } from '../../platform/steady-time.ts';
import { verifyToken } from '../../platform/tokens.ts';
import {
  goodbyeNcco,
  isSignedByVonage,
  listeningNcco,
  readEvent,
  readInput,
  readStatus,
  readText,
  VONAGE_PATH,
} from '../../providers/vonage/inbound.ts';
import { callReceipt, messageReceipt } from '../../providers/vonage/receipts.ts';
import { sourceClass } from '../origin.ts';
import { NO_KEY } from './calls.ts';
import type { CallScript } from './calls.ts';
import type { Inbound } from './inbound.ts';
import { forgedCallbacks, inboundReplies } from './metrics.ts';
import { nameRoute, traceparentOf } from './request.ts';

type TokenHandler = RequestHandler<{ token: string }>;

/** How often a call says its text before it gives up waiting for a key. */
const ROUNDS = 2;

/** Vonage's webhooks: texts, calls, and reports about both, each with its signature checked. */
export function addVonageRoutes(router: Router, inbound: Inbound): void {
  const body = raw({ type: () => true, limit: '64kb' });
  const guard = vonageGuard(inbound);
  const post = (path: string, handler: TokenHandler | RequestHandler) => {
    const template = VONAGE_PATH + path.replace(/:(\w+)/g, '{$1}');
    router.post(VONAGE_PATH + path, nameRoute(template), body, guard, handler as RequestHandler);
  };
  post('/sms', textHandler(inbound));
  post('/status', statusHandler(inbound));
  post('/voice/:token', callHandler(inbound));
  post('/voice/:token/digits', keyHandler(inbound));
  post('/voice/:token/events', eventHandler(inbound));
}

/** Lets a webhook through only when Vonage signed its body; its JSON is then the body. Everything else is a 403. */
function vonageGuard({ deps }: Inbound): RequestHandler {
  return (request, response, next) => {
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const authorization = request.get('Authorization') ?? '';
    // Fresh by either: a clock that was set must not make us deaf.
    const clocks = [deps.now().getTime(), steadyTimeMs()];
    if (clocks.some((nowMs) => isSignedByVonage(deps.config, { authorization, body, nowMs }))) {
      request.body = parse(body);
      next();
      return;
    }
    forgedCallbacks.inc();
    deps.refusals?.addUnknown('forged callback', sourceClass(request.ip));
    deps.logger.warn({ route: request.path.slice(0, 20) }, 'callback refused: wrong signature');
    response.status(403).type('text').send('The signature is not valid.');
  };
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString()) as unknown;
  } catch {
    return null;
  }
}

/** Vonage takes no answer in the answer: what is to be said goes out as a message of its own. */
function textHandler({ texts, deps }: Inbound): RequestHandler {
  return async (request, response) => {
    const received = readText(request.body);
    const text = received && (await texts({ ...received, traceparent: traceparentOf(response) }));
    response.status(200).end();
    if (received === null || text === null) return;
    const key = `answer-${received.messageId}`;
    await deps.sendText?.({ vendor: 'vonage', to: received.from, text, key }).catch(() => {
      deps.logger.warn({ replyId: received.messageId }, 'an answer by text was not sent');
    });
  };
}

function statusHandler({ reports }: Inbound): RequestHandler {
  return async (request, response) => {
    response.status(204).end();
    const report = readStatus(request.body);
    if (!report) return;
    const { status, ...rest } = report;
    const state = messageReceipt(status, rest.code);
    await reports({ vendor: 'vonage', channel: 'sms', state, ...rest });
  };
}

function callHandler({ calls, deps }: Inbound): TokenHandler {
  return (request, response) => {
    const { token } = request.params;
    sendScript(response, calls.open(token, false), keyUrl(deps.config.PUBLIC_URL, token, 1));
  };
}

function keyHandler({ calls, deps }: Inbound): TokenHandler {
  return async (request, response) => {
    const { token } = request.params;
    const round = request.query['round'] === '1' ? 1 : ROUNDS;
    const input = readInput(request.body);
    if (input?.digits === '' && round === ROUNDS) {
      response.json(goodbyeNcco(NO_KEY));
      return;
    }
    const key = { callId: input?.callId ?? '', digits: input?.digits ?? '' };
    const script = await calls.press(token, { ...key, traceparent: traceparentOf(response) });
    const next = key.digits === '' ? ROUNDS : 1;
    sendScript(response, script, keyUrl(deps.config.PUBLIC_URL, token, next));
  };
}

/** The call's own token names the delivery: it is ours, and cannot be forged. */
function eventHandler({ reports, deps }: Inbound): TokenHandler {
  return async (request, response) => {
    response.status(204).end();
    const event = readEvent(request.body);
    const now = deps.now().getTime();
    const payload = verifyToken(deps.config.LINK_SECRET, request.params.token, now);
    if (!event || payload?.kind !== 'voice') return;
    if (event.status === 'machine') inboundReplies.inc({ via: 'voice', result: 'machine' });
    const isAwaited = request.query['report'] === '1';
    const deliveryId = isAwaited ? payload.tokenId.replace(/#voice$/, '') : null;
    const state = callReceipt(event.status);
    const common = { vendor: 'vonage', channel: 'voice', code: null } as const;
    await reports({ ...common, providerId: event.uuid, state, deliveryId });
  };
}

function sendScript(response: Response, { kind, text }: CallScript, url: string): void {
  response.json(kind === 'goodbye' ? goodbyeNcco(text) : listeningNcco(text, url));
}

function keyUrl(publicUrl: string, token: string, round: number): string {
  const base = publicUrl.replace(/\/+$/, '');
  return `${base}${VONAGE_PATH}/voice/${token}/digits?round=${round}`;
}
