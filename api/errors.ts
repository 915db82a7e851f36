import { ServiceError } from '@temporalio/client';
import type { ErrorRequestHandler, Response } from 'express';

import { classifyDatabaseError, OutcomeUnknownError } from '../db/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { GRPC, hasGrpcCode } from '../temporal-config/grpc.ts';
import { problemAnswer, REST_ERRORS } from './problems.ts';
import { BodyError } from './read-json.ts';
import { contextOf } from './request-context.ts';
import { invalidInput, RestError } from './rest/shared/rest-error.ts';
import type { Answer } from './route.ts';

/** `cancelled`: when a deadline cut a retry short. */
const TEMPORAL_DOWN = [
  GRPC.cancelled,
  GRPC.deadlineExceeded,
  GRPC.resourceExhausted,
  GRPC.unavailable,
];

/** Turns whatever a handler threw into an answer in the api's own form; the last middleware. */
export function errorHandler(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const { requestId } = contextOf(response);
    const answer = errorAnswer(SAFE.has(request.method) ? ofReading(error) : error, requestId);
    // A dependency that is away is told where it is watched; here it would be told once a request.
    if (answer.status === 500) logger.error({ err: error, requestId }, 'request failed');
    else if (answer.status > 500) logger.warn({ err: error, requestId }, 'request not served');
    sendAnswer(response, answer);
  };
}

const SAFE = new Set(['GET', 'HEAD']);

/** Whoever only reads has no outcome to wonder about. */
function ofReading(error: unknown): unknown {
  return error instanceof OutcomeUnknownError ? error.cause : error;
}

/** Sends an answer; JSON unless its headers say otherwise. */
export function sendAnswer(response: Response, { status, body, headers = {} }: Answer): void {
  response.status(status);
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (body === undefined) response.end();
  else if (typeof body === 'string') response.send(body);
  else {
    if (!response.hasHeader('content-type')) response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(body));
  }
}

/** Total: what is not known becomes a 500 that says nothing of the inside. */
export function errorAnswer(error: unknown, requestId: string): Answer {
  if (error instanceof RestError) return restAnswer(error);
  if (error instanceof BodyError) return restAnswer(invalidInput(error.message));
  if (isTemporalDown(error)) return problemAnswer('temporal-unavailable', requestId);
  return httpErrorAnswer(error) ?? databaseAnswer(error, requestId);
}

/** Whether a call to Temporal failed because the engine is not there, not because it refused. */
export function isTemporalDown(error: unknown): boolean {
  if (error instanceof ServiceError && error.cause === undefined) return true;
  return hasGrpcCode(error, ...TEMPORAL_DOWN);
}

function databaseAnswer(error: unknown, requestId: string): Answer {
  if (error instanceof OutcomeUnknownError) {
    return problemAnswer('database-outcome-unknown', requestId);
  }
  switch (classifyDatabaseError(error)) {
    case 'read_only':
      return problemAnswer('database-read-only', requestId);
    case 'unavailable':
      return problemAnswer('database-unavailable', requestId);
    case 'retry':
      return problemAnswer('database-busy', requestId);
    case 'conflict':
      return restAnswer(invalidInput('Another object stands against this change.'));
    case 'invalid':
      return restAnswer(invalidInput('A value is refused.'));
    case 'other':
      return restErrorAnswer('internal');
  }
}

/** What express and its body parser throw: errors that carry a 4xx status. */
function httpErrorAnswer(error: unknown): Answer | undefined {
  const status: unknown = error instanceof Error ? Reflect.get(error, 'status') : undefined;
  if (typeof status !== 'number' || status < 400 || status > 499) return undefined;
  if (status === 413) return restErrorAnswer('tooLarge');
  return restAnswer(invalidInput('The request cannot be read.'));
}

/** One of the errors that every route can answer. */
export function restErrorAnswer(
  name: keyof typeof REST_ERRORS,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const { status, code, message } = REST_ERRORS[name];
  return restAnswer(new RestError(status, code, message, { headers }));
}

function restAnswer({ status, code, message, errors, headers }: RestError): Answer {
  const details = errors.length > 0 ? { errors } : {};
  return { status, body: { error: { message, code, ...details } }, headers };
}
