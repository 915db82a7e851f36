import { urlencoded } from 'express';
import type { Router } from 'express';
import type { RequestHandler, Response } from 'express';

import {
  goodbyeTwiml,
  listeningTwiml,
  messagingTwiml,
  TWILIO_PATH,
} from '../../providers/twilio/inbound.ts';
import { callReceipt, messageReceipt } from '../../providers/twilio/receipts.ts';
import { NO_KEY } from './calls.ts';
import type { CallScript } from './calls.ts';
import type { Inbound } from './inbound.ts';
import type { Report } from './receipts.ts';
import { nameRoute, traceparentOf } from './request.ts';
import { field, formOf, twilioGuard } from './twilio-guard.ts';

type TokenHandler = RequestHandler<{ token: string }>;

/** Twilio's callbacks: texts, calls, and reports about both, each with its signature checked. */
export function addTwilioRoutes(router: Router, inbound: Inbound): void {
  const form = urlencoded({ extended: false, limit: '64kb', parameterLimit: 200 });
  const guard = twilioGuard(inbound.deps);
  const post = (path: string, handler: TokenHandler | StatusHandler | RequestHandler) => {
    const template = TWILIO_PATH + path.replace(/:(\w+)/g, '{$1}');
    router.post(TWILIO_PATH + path, nameRoute(template), form, guard, handler as RequestHandler);
  };
  post('/sms', textHandler(inbound));
  post('/voice/:token', callHandler(inbound));
  post('/voice/:token/digits', keyHandler(inbound));
  post('/status/:channel', statusHandler(inbound));
}

function textHandler({ texts }: Inbound): RequestHandler {
  return async (request, response) => {
    const form = formOf(request.body);
    const text = await texts({
      ...{ from: field(form, 'From'), text: field(form, 'Body') },
      ...{ messageId: field(form, 'MessageSid'), traceparent: traceparentOf(response) },
    });
    sendTwiml(response, messagingTwiml(text));
  };
}

function callHandler({ calls, deps }: Inbound): TokenHandler {
  return (request, response) => {
    const { token } = request.params;
    const script = calls.open(token, isMachine(request.body));
    sendTwiml(response, toTwiml(script, deps.config.PUBLIC_URL, token));
  };
}

function keyHandler({ calls, deps }: Inbound): TokenHandler {
  return async (request, response) => {
    const { token } = request.params;
    const form = formOf(request.body);
    const key = {
      ...{ callId: field(form, 'CallSid'), digits: field(form, 'Digits') },
      traceparent: traceparentOf(response),
    };
    // What a machine presses is no answer.
    const script = isMachine(request.body)
      ? calls.open(token, true)
      : await calls.press(token, key);
    sendTwiml(response, toTwiml(script, deps.config.PUBLIC_URL, token));
  };
}

type StatusHandler = RequestHandler<{ channel: string }>;

function statusHandler({ reports }: Inbound): StatusHandler {
  return async (request, response) => {
    response.status(204).end();
    const form = formOf(request.body);
    const { delivery } = request.query;
    const code = field(form, 'ErrorCode') || null;
    const deliveryId = typeof delivery === 'string' ? delivery.slice(0, 300) : null;
    const common = { vendor: 'twilio', code, deliveryId } as const;
    const call: Report = {
      ...{ ...common, channel: 'voice', providerId: field(form, 'CallSid') },
      state: callReceipt(field(form, 'CallStatus'), field(form, 'AnsweredBy')),
    };
    const message: Report = {
      ...{ ...common, channel: 'sms', providerId: field(form, 'MessageSid') },
      state: messageReceipt(field(form, 'MessageStatus'), code),
    };
    await reports(request.params.channel === 'voice' ? call : message);
  };
}

function isMachine(body: unknown): boolean {
  return /^(machine|fax)/.test(field(formOf(body), 'AnsweredBy'));
}

function toTwiml({ kind, text }: CallScript, publicUrl: string, token: string): string {
  if (kind === 'goodbye') return goodbyeTwiml(text);
  const action = `${publicUrl.replace(/\/+$/, '')}${TWILIO_PATH}/voice/${token}/digits`;
  return listeningTwiml(text, action, NO_KEY);
}

function sendTwiml(response: Response, twiml: string): void {
  response.status(200).type('text/xml').send(twiml);
}
