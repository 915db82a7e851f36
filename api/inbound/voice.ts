import type { RequestHandler, Response } from 'express';

import { parseDigit } from '../../domain/reply.ts';
import type { Reply } from '../../domain/responder/types.ts';
import { verifyToken } from '../../platform/tokens.ts';
import type { TokenPayload } from '../../platform/tokens.ts';
import { goodbyeTwiml, listeningTwiml } from '../../providers/twilio/inbound.ts';
import type { ApiDeps } from '../deps.ts';
import { inboundReplies } from './metrics.ts';
import type { Responders } from './responders.ts';
import { field, formOf, sendTwiml, traceparentOf } from './twilio-guard.ts';

const KEYS = 'Press 4 to acknowledge, 6 to resolve, 5 to escalate, or star to hear this again.';
const GOODBYE = 'No key was pressed. Nothing has changed. Goodbye.';
const TOO_OLD = 'This call is out of date. Goodbye.';
const DONE = {
  acknowledge: 'Your acknowledgement',
  resolve: 'Your resolve',
  escalate: 'Your escalation',
} as const;

/** What a call says when it is picked up. A machine hears it too, but is not listened to. */
export function voiceHandler(deps: ApiDeps): RequestHandler<{ token: string }> {
  return (request, response) => {
    const token = request.params.token;
    const payload = readToken(deps, token);
    if (!payload) {
      sendTwiml(response, goodbyeTwiml(TOO_OLD));
      return;
    }
    const form = formOf(request.body);
    const isMachine = /^(machine|fax)/.test(field(form, 'AnsweredBy'));
    if (isMachine) inboundReplies.inc({ via: 'voice', result: 'machine' });
    if (isMachine || payload.code === '')
      sendTwiml(response, goodbyeTwiml(payload.text ?? TOO_OLD));
    else sendMenu(deps, response, { token, payload });
  };
}

/** A key that was pressed. */
export function digitsHandler(
  deps: ApiDeps,
  responders: Responders,
): RequestHandler<{ token: string }> {
  return async (request, response) => {
    const token = request.params.token;
    const payload = readToken(deps, token);
    const form = formOf(request.body);
    if (!payload || payload.code === '' || /^(machine|fax)/.test(field(form, 'AnsweredBy'))) {
      sendTwiml(response, goodbyeTwiml(TOO_OLD));
      return;
    }
    const digit = field(form, 'Digits');
    const parsed = parseDigit(digit);
    if (parsed?.kind !== 'answer') {
      const before = parsed === null ? 'That key is not known. ' : '';
      sendMenu(deps, response, { token, payload, before });
      return;
    }
    const reply: Reply = {
      // A person may press 4 and later 6 in one call; the same key twice is one answer.
      ...{
        replyId: `${field(form, 'CallSid')}/${digit}`,
        at: deps.now().toISOString(),
        via: 'voice',
      },
      ...{ contactMethodId: payload.contactMethodId, action: parsed.action, code: payload.code },
      ...{ ambiguous: false, traceparent: traceparentOf(response) },
    };
    sendTwiml(response, goodbyeTwiml(await say(deps, responders, { payload, reply })));
  };
}

async function say(
  deps: ApiDeps,
  responders: Responders,
  { payload, reply }: { payload: TokenPayload; reply: Reply },
): Promise<string> {
  const result = await responders.reply(payload, reply);
  inboundReplies.inc({ via: 'voice', result });
  const { accountId, userId } = payload;
  const { replyId, action } = reply;
  deps.logger.info({ accountId, userId, replyId, via: 'voice', action, result }, 'reply received');
  if (result === 'down')
    return 'Your answer could not be recorded. Please answer in another way. Goodbye.';
  if (result === 'nobody') return 'Nothing is open for you. Goodbye.';
  const outcome = await responders.outcome(payload, replyId);
  return outcome ? `${outcome.text} Goodbye.` : `${DONE[action]} is recorded. Goodbye.`;
}

function sendMenu(
  { config }: ApiDeps,
  response: Response,
  { token, payload, before = '' }: { token: string; payload: TokenPayload; before?: string },
): void {
  const action = `${config.PUBLIC_URL.replace(/\/+$/, '')}/inbound/twilio/voice/${token}/digits`;
  const said = payload.text ?? '';
  // The text may already name the keys.
  const text = /press (4|four)/i.test(said) ? said : `${said} ${KEYS}`;
  sendTwiml(response, listeningTwiml(before + text, action, GOODBYE));
}

function readToken({ config, now }: ApiDeps, token: string): TokenPayload | null {
  const payload = verifyToken(config.LINK_SECRET, token, now().getTime());
  return payload?.kind === 'voice' ? payload : null;
}
