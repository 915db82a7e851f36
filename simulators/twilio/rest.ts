import { timingSafeEqual } from 'node:crypto';

import { Router, urlencoded } from 'express';
import type { Request, Response } from 'express';

import { spoil } from '../http-mood.ts';
import type { Mood } from '../moods.ts';
import type { Resources, SimulatedTwilio } from './account.ts';

const MESSAGES: Readonly<Record<number, string>> = {
  20003: 'Authenticate',
  20404: 'The requested resource was not found',
  20429: 'Too Many Requests',
  21201: "No 'To' number is specified",
  21205: 'Url parameter is required.',
  21210: "'From' phone number not verified",
  21211: "The 'To' number is not a valid phone number.",
  21213: "'From' phone number is required.",
  21602: 'Message body is required.',
  21603: "A 'From' phone number is required.",
  21604: "A 'To' phone number is required.",
  21610: 'Attempt to send to unsubscribed recipient',
  21617: 'The concatenated message body exceeds the 1600 character limit.',
};
const DEFAULT_CODES: Readonly<Record<number, number>> = { 401: 20003, 404: 20404, 429: 20429 };
const E164 = /^\+[1-9]\d{6,14}$/;

/** Twilio's REST API 2010-04-01, as far as sending messages and calls goes. */
export function createTwilioRouter(account: SimulatedTwilio): Router {
  const router = Router();
  const form = urlencoded({ extended: false, limit: '64kb' });
  const base = '/2010-04-01/Accounts/:sid';
  router.use(`${base}{/*rest}`, (request, response, next) => {
    if (authorized(request, account)) next();
    else sendError(response, 401, 20003);
  });
  router.post(`${base}/Messages.json`, form, (request, response) => {
    createMessage(account, request, response);
  });
  router.post(`${base}/Calls.json`, form, (request, response) => {
    createCall(account, request, response);
  });
  router.get(`${base}/Messages.json`, (request, response) => {
    sendList(account, 'sms', request, response);
  });
  router.get(`${base}/Calls.json`, (request, response) => {
    sendList(account, 'voice', request, response);
  });
  router.get(`${base}/Messages/:id.json`, (request, response) => {
    sendResource(response, account.messageResource(request.params.id));
  });
  router.get(`${base}/Calls/:id.json`, (request, response) => {
    sendResource(response, account.callResource(request.params.id));
  });
  router.use((_request, response) => sendError(response, 404, 20404));
  return router;
}

function authorized(request: Request, account: SimulatedTwilio): boolean {
  const given = Buffer.from(request.get('Authorization') ?? '');
  const pair = Buffer.from(`${account.sid}:${account.token}`).toString('base64');
  const wanted = Buffer.from(`Basic ${pair}`);
  const same = given.length === wanted.length && timingSafeEqual(given, wanted);
  return same && request.params['sid'] === account.sid;
}

function createMessage(account: SimulatedTwilio, request: Request, response: Response): void {
  const form = new Form(request.body);
  const to = form.get('To');
  const mood = account.moods.take('sms', to, 'twilio');
  account.noteRequest('sms', to, mood.kind, 'POST Messages.json');
  if (spoil(request, response, mood, errorBody)) return;
  const code = messageFault(form) ?? (account.isOptedOut(to) ? 21610 : null);
  if (code !== null) {
    sendError(response, 400, code);
    return;
  }
  const item = account.sendMessage(
    {
      to,
      from: form.get('From'),
      text: form.get('Body'),
      statusCallback: form.get('StatusCallback'),
    },
    mood,
  );
  response.status(201).json(account.messageResource(item.id));
}

function messageFault(form: Form): number | null {
  if (!form.get('To')) return 21604;
  if (!form.get('From')) return 21603;
  if (!form.get('Body')) return 21602;
  if (!E164.test(form.get('To'))) return 21211;
  return form.get('Body').length > 1600 ? 21617 : null;
}

function createCall(account: SimulatedTwilio, request: Request, response: Response): void {
  const form = new Form(request.body);
  const to = form.get('To');
  const mood = account.moods.take('voice', to, 'twilio');
  account.noteRequest('voice', to, mood.kind, 'POST Calls.json');
  if (spoil(request, response, mood, errorBody)) return;
  const code = callFault(form);
  if (code !== null) {
    sendError(response, 400, code);
    return;
  }
  const item = account.placeCall(
    {
      to,
      from: form.get('From'),
      ...{ url: form.get('Url'), twiml: form.get('Twiml') },
      statusCallback: form.get('StatusCallback'),
      events: form.all('StatusCallbackEvent'),
      detectMachine: form.get('MachineDetection') !== '',
      ringSec: Math.min(600, Number(form.get('Timeout') || 60)),
    },
    mood,
  );
  response.status(201).json(account.callResource(item.id));
}

function callFault(form: Form): number | null {
  if (!form.get('To')) return 21201;
  if (!form.get('From')) return 21213;
  if (!form.get('Url') && !form.get('Twiml')) return 21205;
  return E164.test(form.get('To')) ? null : 21211;
}

/** Form fields, of which any may be absent or repeated. */
class Form {
  readonly #fields: Readonly<Record<string, unknown>>;
  constructor(body: unknown) {
    this.#fields = typeof body === 'object' && body !== null ? { ...body } : {};
  }
  all(name: string): readonly string[] {
    const value = this.#fields[name];
    return (Array.isArray(value) ? value : [value]).filter((item) => typeof item === 'string');
  }
  get(name: string): string {
    return this.all(name)[0] ?? '';
  }
}

function errorBody(mood: Mood): unknown {
  return twilioError(mood.status, mood.code ?? DEFAULT_CODES[mood.status] ?? 20500);
}

function twilioError(status: number, code: number) {
  const message = MESSAGES[code] ?? `Error ${code}`;
  return { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status };
}

function sendError(response: Response, status: number, code: number): void {
  response.status(status).json(twilioError(status, code));
}

/** An empty page: enough for those who ask whether the vendor is well. */
function sendList(
  account: SimulatedTwilio,
  door: 'sms' | 'voice',
  request: Request,
  response: Response,
): void {
  if (spoil(request, response, account.moods.look(door, 'twilio'), errorBody)) return;
  const uri = request.originalUrl.slice(request.originalUrl.indexOf('/2010-04-01'));
  response.json({
    [door === 'sms' ? 'messages' : 'calls']: [],
    ...{ page: 0, page_size: 1, start: 0, end: 0, uri, first_page_uri: uri },
    ...{ previous_page_uri: null, next_page_uri: null },
  });
}

function sendResource(response: Response, resource: Resources | null): void {
  if (resource) response.json(resource);
  else sendError(response, 404, 20404);
}
