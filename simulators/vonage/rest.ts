import { randomUUID, timingSafeEqual, verify } from 'node:crypto';

import { json, Router } from 'express';
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';

import { spoil } from '../http-mood.ts';
import type { Mood } from '../moods.ts';
import type { SimulatedVonage } from './account.ts';
import { ncco } from './call.ts';

const NUMBER = /^[1-9]\d{6,14}$/;
const ERRORS = 'https://developer.vonage.com/api-errors';

const message = z.object({
  message_type: z.literal('text'),
  channel: z.literal('sms'),
  to: z.string().regex(NUMBER),
  from: z.string().min(1).max(20),
  text: z.string().min(1).max(1000),
  client_ref: z.string().max(100).optional(),
  webhook_url: z.url().optional(),
  webhook_version: z.enum(['v0.1', 'v1']).optional(),
});
const endpoint = z.object({ type: z.literal('phone'), number: z.string().regex(NUMBER) });
const call = z.object({
  to: z.array(endpoint).length(1),
  from: endpoint,
  /** Instead of `answer_url`. */
  ncco: ncco.optional(),
  answer_url: z.array(z.url()).length(1).optional(),
  answer_method: z.literal('POST').optional(),
  event_url: z.array(z.url()).length(1).optional(),
  event_method: z.literal('POST').optional(),
  machine_detection: z.enum(['continue', 'hangup']).optional(),
  ringing_timer: z.number().int().min(1).max(120).default(60),
  length_timer: z.number().int().min(1).max(7200).default(7200),
});
const orderedCall = call.refine(
  ({ ncco: script, answer_url: url }) => (script === undefined) !== (url === undefined),
  'one of ncco and answer_url is required',
);

/** Vonage's Messages, Voice, Reports and Account API, as far as sending texts and calls goes. */
export function createVonageRouter(account: SimulatedVonage): Router {
  const router = Router();
  const body = json({ limit: '64kb' });
  const application = demand((request) => hasToken(request, account));
  const owner = demand((request) => hasSecret(request, account));
  router.post('/v1/messages', application, body, (request, response) => {
    createMessage(account, request, response);
  });
  router.post('/v1/calls', application, body, (request, response) => {
    createCall(account, request, response);
  });
  router.get('/v1/calls', application, (request, response) => {
    if (spoil(request, response, account.moods.look('voice', 'vonage'), errorBody)) return;
    response.json({ count: 0, page_size: 1, record_index: 0, _embedded: { calls: [] } });
  });
  router.get('/v1/calls/:id', application, (request, response) => {
    const found = account.call(String(request.params['id']));
    if (found) response.json(found.resource());
    else sendProblem(response, 404, { title: 'Not Found' });
  });
  router.get('/account/get-balance', owner, (request, response) => {
    if (spoil(request, response, account.moods.look('sms', 'vonage'), errorBody)) return;
    response.json({ value: 100, autoReload: false });
  });
  router.get('/v2/reports/records', owner, (request, response) => {
    sendRecords(account, request, response);
  });
  router.use((_request, response) => sendProblem(response, 404, { title: 'Not Found' }));
  return router;
}

function demand(allowed: (request: Request) => boolean): RequestHandler {
  return (request, response, next) => {
    if (allowed(request)) next();
    else sendProblem(response, 401, { title: 'Unauthorized' });
  };
}

/** A token that the application's key signed, and that is still good. */
function hasToken(request: Request, { credentials }: SimulatedVonage): boolean {
  const token = /^Bearer (\S+)$/.exec(request.get('Authorization') ?? '')?.[1] ?? '';
  const [header = '', payload = '', signature = ''] = token.split('.');
  const claims = z
    .object({ application_id: z.literal(credentials.applicationId), exp: z.number() })
    .safeParse(decode(payload));
  if (!claims.success || claims.data.exp * 1000 < Date.now()) return false;
  if (credentials.publicKey === null) return true;
  const signed = Buffer.from(`${header}.${payload}`);
  return verify('RSA-SHA256', signed, credentials.publicKey, Buffer.from(signature, 'base64url'));
}

function hasSecret(request: Request, { credentials }: SimulatedVonage): boolean {
  const pair = `${credentials.apiKey}:${credentials.apiSecret}`;
  const wanted = Buffer.from(`Basic ${Buffer.from(pair).toString('base64')}`);
  const given = Buffer.from(request.get('Authorization') ?? '');
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function decode(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString()) as unknown;
  } catch {
    return null;
  }
}

function createMessage(account: SimulatedVonage, request: Request, response: Response): void {
  const to = plus(field(request.body, 'to'));
  const mood = account.moods.take('sms', to, 'vonage');
  account.noteRequest('sms', to, mood.kind, 'POST /v1/messages');
  if (spoil(request, response, mood, errorBody)) return;
  const { data, error } = message.safeParse(request.body);
  if (!data) {
    sendInvalid(response, error);
    return;
  }
  const item = account.sendMessage(
    {
      ...{ to, from: plus(data.from), text: data.text },
      ...{ clientRef: data.client_ref ?? null, webhookUrl: data.webhook_url ?? null },
    },
    mood,
  );
  response.status(202).json({ message_uuid: item.id });
}

function createCall(account: SimulatedVonage, request: Request, response: Response): void {
  const { data, error } = orderedCall.safeParse(request.body);
  const to = plus(data?.to[0]?.number ?? '');
  const mood = account.moods.take('voice', to, 'vonage');
  account.noteRequest('voice', to, mood.kind, 'POST /v1/calls');
  if (spoil(request, response, mood, errorBody)) return;
  if (!data) {
    sendInvalid(response, error);
    return;
  }
  const placed = account.placeCall(
    {
      ...{ to, from: plus(data.from.number), ringSec: data.ringing_timer },
      ...{ script: data.ncco ?? data.answer_url?.[0] ?? '', eventUrl: data.event_url?.[0] ?? null },
      detectMachine: data.machine_detection !== undefined,
    },
    mood,
  );
  response.status(201).json(placed.resource());
}

/** Of the reports only the look-up of messages by id. */
function sendRecords(account: SimulatedVonage, request: Request, response: Response): void {
  if (spoil(request, response, account.moods.look('sms', 'vonage'), errorBody)) return;
  const { id } = request.query;
  const item = typeof id === 'string' ? account.message(id) : undefined;
  const records = item ? [{ message_id: item.id, id: item.id, status: item.status }] : [];
  response.json({
    ...{ request_id: randomUUID(), request_status: 'SUCCESS', product: 'MESSAGES' },
    ...{ items_count: records.length, records, ...(item ? {} : { ids_not_found: id }) },
  });
}

function sendInvalid(response: Response, error: z.ZodError): void {
  const names = error.issues.map((issue) => String(issue.path[0] ?? ''));
  sendProblem(response, 422, {
    type: `${ERRORS}#1020`,
    title: 'Invalid params',
    detail: 'The value of one or more parameters is invalid.',
    invalid_parameters: names.map((name) => ({ name, reason: 'is not valid' })),
  });
}

function errorBody(mood: Mood): unknown {
  const type = mood.code === undefined ? ERRORS : `${ERRORS}/messages#${mood.code}`;
  return { type, title: 'As the mood demands', detail: '', instance: randomUUID() };
}

function sendProblem(response: Response, status: number, problem: object): void {
  response.status(status).json({ type: ERRORS, detail: '', instance: randomUUID(), ...problem });
}

function field(body: unknown, name: string): string {
  if (typeof body !== 'object' || body === null) return '';
  const value = (body as Readonly<Record<string, unknown>>)[name];
  return typeof value === 'string' ? value : '';
}

function plus(number: string): string {
  return number === '' ? '' : `+${number}`;
}
