import { randomUUID } from 'node:crypto';

import { context as otel, SpanKind, SpanStatusCode, trace, type Span } from '@opentelemetry/api';
import type { NextFunction, Request, RequestHandler, Response } from 'express';

import type { Actor } from '../domain/permissions.ts';
import { formatTraceparent, parseTraceparent } from '../platform/tracing.ts';
import type { ApiDeps } from './deps.ts';
import { httpDuration } from './metrics.ts';

/** What is known of the request under way; each step adds what it finds out. */
export interface RequestContext {
  readonly requestId: string;
  /** W3C trace context to pass on: of our span, else as the caller sent it. */
  readonly traceparent: string | null;
  readonly span: Span;
  /** Route template for logs and metrics. */
  route: string;
  actor: Actor | null;
  /** More fields for the request's log line. */
  readonly log: Record<string, unknown>;
}

/** Asked every few seconds by whatever watches, or many at a time by a browser; only a failure is news. */
const ROUTINE: ReadonlySet<string> = new Set(['/health/live', '/health/ready', '/docs/{file}']);
const REQUEST_ID = /^[\w.:-]{1,128}$/;

/** Gives each request an id, a span, one log line and a place in the metrics. */
export function requestContext({ logger }: Pick<ApiDeps, 'logger'>): RequestHandler {
  return (request, response, next) => {
    const startedAt = process.hrtime.bigint();
    const context = openContext(request);
    response.locals['context'] = context;
    response.setHeader('x-request-id', context.requestId);
    response.once('close', () => {
      const seconds = Number(process.hrtime.bigint() - startedAt) / 1e9;
      finish(logger, request, response, seconds);
    });
    runInSpan(context.span, next);
  };
}

/** The context of the request that this response answers. */
export function contextOf(response: Response): RequestContext {
  return response.locals['context'] as RequestContext;
}

function openContext(request: Request): RequestContext {
  const given = request.get('x-request-id') ?? '';
  const parent = parseTraceparent(request.get('traceparent'));
  const parentContext = parent ? trace.setSpanContext(otel.active(), parent) : otel.active();
  const span = trace
    .getTracer('pdlite-api')
    .startSpan(request.method, { kind: SpanKind.SERVER }, parentContext);
  const own = span.spanContext();
  return {
    requestId: REQUEST_ID.test(given) ? given : randomUUID(),
    traceparent: formatTraceparent(own) ?? (parent ? formatTraceparent(parent) : null),
    span,
    route: 'unmatched',
    actor: null,
    log: {},
  };
}

function runInSpan(span: Span, next: NextFunction): void {
  otel.with(trace.setSpan(otel.active(), span), () => next());
}

function finish(
  logger: ApiDeps['logger'],
  request: Request,
  response: Response,
  seconds: number,
): void {
  const { span, route, actor, requestId, log } = contextOf(response);
  // A connection that closed before the answer was whole: nginx's 499.
  const status = response.writableFinished ? response.statusCode : 499;
  httpDuration.observe({ method: request.method, route, status }, seconds);
  span.updateName(`${request.method} ${route}`);
  span.setAttributes({ 'http.route': route, 'http.response.status_code': status });
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
  const { traceId } = span.spanContext();
  const who = actor ? { accountId: actor.accountId, userId: actor.userId, keyId: actor.keyId } : {};
  const line = { requestId, traceId, method: request.method, route, status, ...who, ...log };
  const isRoutine = status < 400 && ROUTINE.has(route);
  const full = { ...line, durationMs: Math.round(seconds * 1e4) / 10 };
  if (isRoutine) logger.debug(full, 'request');
  else logger.info(full, 'request');
}
