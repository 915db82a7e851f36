import { randomUUID } from 'node:crypto';

import type { Request, Response } from 'express';

import type { AccountIndex } from '../../domain/directory.ts';
import type { AlertEvent } from '../../domain/event.ts';
import type { NormalisedEvent } from '../../domain/intake/types.ts';
import type { Integration, Service } from '../../domain/model.ts';
import { hashKey } from '../../platform/ids.ts';
import type { ApiDeps } from '../deps.ts';
import { sendAnswer } from '../errors.ts';
import { intakeEvents } from '../metrics.ts';
import { BodyError, readJson } from '../read-json.ts';
import { contextOf } from '../request-context.ts';
import type { Answer } from '../route.ts';
import type { Door } from './doors.ts';
import type { IntegrationLimit } from './integration-limit.ts';
import type { Replies } from './replies.ts';
import { IntakeRefusal, type IntakeSink } from './sink.ts';

/** What receiving needs besides the request. */
export interface Intake {
  readonly deps: Pick<ApiDeps, 'config' | 'directory' | 'logger' | 'now'>;
  readonly sink: IntakeSink;
  readonly limit: IntegrationLimit;
}

/** An integration that a key led to, with all that routing needs. */
export interface Found {
  readonly index: AccountIndex;
  readonly integration: Integration;
  readonly service: Service;
}

/** What became of events, as the metrics name it. */
export type Result =
  | 'stored'
  | 'spilled'
  | 'dropped'
  | 'invalid'
  | 'unknown_key'
  | 'rate_limited'
  | IntakeRefusal['reason']
  | 'failed';

/** One body through one door: read, find the integration, check its limit, normalise, store, answer. */
export async function receive(
  intake: Intake,
  door: Door,
  request: Request,
  response: Response,
): Promise<void> {
  try {
    const body = readBody(request, door);
    if ('answer' in body) reply(response, door, 'invalid', body.answer);
    else await receiveBody(intake, door, { request, response, body: body.value });
  } catch (error) {
    refuse(intake, door, response, error);
  }
}

interface Arrived {
  readonly request: Request;
  readonly response: Response;
  readonly body: unknown;
}

async function receiveBody(intake: Intake, door: Door, arrived: Arrived): Promise<void> {
  const { request, response, body } = arrived;
  const key = door.key(request, body);
  const found = findIntegration(intake, door, key);
  const options = found?.integration ?? { lenient: false, mapping: null };
  const normalised = door.normalise(body, options);
  const keyError = door.keyError(key);
  const errors = [
    ...(keyError === null ? [] : [keyError]),
    ...(normalised.ok ? [] : normalised.errors),
  ];
  const events = normalised.ok ? normalised.events.length : 1;
  const waitSec = found
    ? await intake.limit.exceededFor(found.integration, Math.max(1, events))
    : null;
  if (waitSec !== null) reply(response, door, 'rate_limited', door.replies.rateLimited(waitSec));
  else if (errors.length > 0) reply(response, door, 'invalid', door.replies.invalid(errors));
  else if (!found) reply(response, door, 'unknown_key', door.replies.unknownKey());
  else if (normalised.ok) {
    const { warnings } = normalised;
    const instead = await door.admit?.({ deps: intake.deps, found, body });
    if (instead) {
      reply(response, door, instead.status < 300 ? 'dropped' : 'invalid', instead);
      return;
    }
    const { traceparent } = contextOf(response);
    const added = { now: intake.deps.now(), traceparent };
    const alertEvents = normalised.events.map((event) =>
      completeEvent(found.integration.id, event, added),
    );
    const result = await store(intake, found, alertEvents);
    const dedupKeys = alertEvents.map(({ dedupKey }) => dedupKey);
    contextOf(response).log['dedupKeys'] = dedupKeys.slice(0, 10);
    const taken = door.replies.taken({ dedupKeys, warnings });
    reply(response, door, { result, events }, taken);
  }
}

/** Stores the events, unless their service is disabled. */
export async function store(
  { deps, sink }: Pick<Intake, 'sink'> & { readonly deps: Pick<ApiDeps, 'logger'> },
  found: Found,
  events: readonly AlertEvent[],
): Promise<Result> {
  const { index, service } = found;
  if (events.length === 0) return 'dropped';
  if (service.status === 'disabled') {
    deps.logger.info({ serviceId: service.id }, 'event for a disabled service dropped');
    return 'dropped';
  }
  return sink.accept(events.map((event) => ({ index, service, event })));
}

/** @throws IntakeRefusal while the directory has not been loaded: a good key would look unknown. */
export function findIntegration(
  { deps }: Pick<Intake, 'deps'>,
  door: { readonly keyError: Door['keyError'] },
  key: unknown,
): Found | undefined {
  if (typeof key !== 'string' || door.keyError(key) !== null) return undefined;
  if (deps.directory.ready === false) throw new IntakeRefusal('unavailable', 2);
  const match = deps.directory.integrationByKeyHash(hashKey(key));
  const service = match?.index.services.get(match.integration.serviceId);
  return match && service ? { ...match, service } : undefined;
}

/** The event with what the api adds to what its sender said. */
export function completeEvent(
  integrationId: string,
  event: NormalisedEvent,
  { now, traceparent }: { readonly now: Date; readonly traceparent: string | null },
): AlertEvent {
  return {
    ...event,
    dedupKey: event.dedupKey ?? randomUUID().replaceAll('-', ''),
    eventId: randomUUID(),
    integrationId,
    receivedAt: now.toISOString(),
    waitedMs: 0,
    traceparent,
  };
}

/** The body as JSON of a kind that the door knows, or what to answer instead. */
export function readBody(
  request: Request,
  door: { readonly replies: Replies; readonly recognises: Door['recognises'] },
): { readonly value: unknown } | { readonly answer: Answer } {
  try {
    const raw: unknown = request.body;
    const value = Buffer.isBuffer(raw) ? readJson(raw) : undefined;
    if (door.recognises(value)) return { value };
    const error = value === undefined ? 'JSON parse error' : 'Event object is not a JSON object';
    return { answer: door.replies.unrecognised(error) };
  } catch (error) {
    if (!(error instanceof BodyError)) throw error;
    if (error.reason === 'depth') return { answer: door.replies.invalid([error.message]) };
    const text =
      error.reason === 'syntax' ? 'JSON parse error' : `JSON parse error: ${error.message}`;
    return { answer: door.replies.unrecognised(text) };
  }
}

/** Says what happened to the sender, the log and the metrics. */
export function reply(
  response: Response,
  door: { readonly name: string },
  outcome: Result | { readonly result: Result; readonly events: number },
  answer: Answer,
): void {
  const { result, events } = typeof outcome === 'string' ? { result: outcome, events: 1 } : outcome;
  intakeEvents.inc({ door: door.name, result }, events);
  Object.assign(contextOf(response).log, { door: door.name, result, events });
  sendAnswer(response, answer);
}

/** Answers what could not be stored, in the door's form. */
export function refuse(
  { deps }: Pick<Intake, 'deps'>,
  door: { readonly name: string; readonly replies: Replies },
  response: Response,
  error: unknown,
): void {
  if (error instanceof IntakeRefusal) {
    const { reason, retryAfterSec } = error;
    reply(response, door, reason, door.replies[reason](retryAfterSec));
    return;
  }
  deps.logger.error({ err: error, requestId: contextOf(response).requestId }, 'intake failed');
  reply(response, door, 'failed', door.replies.failed());
}
