import express, { Router, type Request, type Response } from 'express';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { z } from 'zod';

import { can, type Actor } from '../domain/permissions.ts';
import { authenticate } from './auth.ts';
import type { ApiDeps } from './deps.ts';
import { restErrorAnswer, sendAnswer } from './errors.ts';
import { REST_ERRORS } from './problems.ts';
import { originOf, type Requester } from './origin.ts';
import { MAX_BODY_BYTES, readJson } from './read-json.ts';
import { tellRefused } from './refused-request.ts';
import { contextOf } from './request-context.ts';
import { invalidInput, RestError } from './rest/shared/rest-error.ts';
import { inTimeZone } from './rest/shared/time-zone.ts';
import type { Answer, Route, RouteInput } from './route.ts';

/** PagerDuty's limit: requests a minute of one key. */
export const REST_REQUESTS_PER_MINUTE = 960;

type AnyInput = RouteInput<undefined, undefined, undefined>;

/**
 * An express router from the routes: authentication, rate limit, permission, validation, handler, in this
 * order. Literal paths go before those with parameters; a path known by other methods only is a 405.
 */
export function mountRoutes(routes: readonly Route[], deps: ApiDeps): Router {
  const router = Router({ strict: false });
  const limiter = new RateLimiterMemory({ points: REST_REQUESTS_PER_MINUTE, duration: 60 });
  const sorted = [...routes].sort((a, b) => (sortKey(a.path) < sortKey(b.path) ? -1 : 1));
  const readBody = express.raw({ type: () => true, limit: MAX_BODY_BYTES });
  for (const route of sorted) {
    router[route.method](expressPath(route.path), readBody, (request, response) =>
      serveOrRefuse({ route, deps, limiter }, request, response),
    );
  }
  for (const [path, methods] of methodsByPath(sorted)) {
    router.all(expressPath(path), (_request, response) =>
      sendAnswer(response, restErrorAnswer('methodNotAllowed', { allow: methods.join(', ') })),
    );
  }
  return router;
}

/** `/users/{id}` → `/users/:id` */
export function expressPath(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1');
}

/** By code point `~` follows every letter and digit. */
function sortKey(path: string): string {
  return path.replaceAll('{', '~');
}

function methodsByPath(routes: readonly Route[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { path, method } of routes) {
    const name = method.toUpperCase();
    found.set(path, [...(found.get(path) ?? []), ...(name === 'GET' ? ['GET', 'HEAD'] : [name])]);
  }
  return found;
}

interface Serving {
  readonly route: Route;
  readonly deps: ApiDeps;
  readonly limiter: RateLimiterMemory;
}

/** The one place that every refusal passes, whoever refused. */
async function serveOrRefuse(
  serving: Serving,
  request: Request,
  response: Response,
): Promise<void> {
  try {
    await serve(serving, request, response);
  } catch (error) {
    tellRefused(serving.deps, { route: serving.route, request, response }, error);
    throw error;
  }
}

async function serve(serving: Serving, request: Request, response: Response): Promise<void> {
  const { route, deps } = serving;
  const context = contextOf(response);
  context.route = route.path;
  const actor = await admit(serving, request, response);
  context.actor = actor;
  const handle = route.handle as (input: AnyInput) => Promise<Answer>;
  const input: Omit<AnyInput, 'actor' | 'params' | 'query' | 'body'> = {
    requestId: context.requestId,
    traceparent: context.traceparent,
    request,
  };
  const parsed = parseRequest(route, request);
  const requester = actor && { ...actor, origin: originOf(route, request, context) };
  const answer = await handle(withActor({ ...input, ...parsed }, requester));
  sendAnswer(response, localised(answer, parsed.query));
  deps.logger.trace({ requestId: context.requestId }, 'answered');
}

/** Every route whose query knows `time_zone` honours it. */
function localised(answer: Answer, query: unknown): Answer {
  const zone: unknown =
    typeof query === 'object' && query !== null ? Reflect.get(query, 'time_zone') : undefined;
  return typeof zone === 'string' ? { ...answer, body: inTimeZone(answer.body, zone) } : answer;
}

/** The actor, once key, limit and permission allow the request; null on a public route. */
async function admit(
  { route, deps, limiter }: Serving,
  request: Request,
  response: Response,
): Promise<Actor | null> {
  if (route.permission === 'public') return null;
  const credentials = { authorization: request.get('authorization'), from: request.get('from') };
  const { permission, fromOptional } = route;
  const needed = { permission, fromOptional };
  const actor = authenticate(deps.directory, deps.now(), credentials, needed);
  await consume(limiter, actor.keyId, response);
  const userId = request.params['id'];
  const target =
    route.permission === 'own_user:write' && typeof userId === 'string' ? { userId } : {};
  const { allowed, reason } = can(actor, route.permission, target);
  if (allowed) return actor;
  contextOf(response).actor = actor;
  contextOf(response).log['refused'] = reason;
  const { status, code, message } = REST_ERRORS.accessDenied;
  throw new RestError(status, code, message, { errors: [reason] });
}

async function consume(limiter: RateLimiterMemory, key: string, response: Response): Promise<void> {
  try {
    const state = await limiter.consume(key);
    setRateHeaders(response, state);
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw error;
    setRateHeaders(response, error);
    const { status, code, message } = REST_ERRORS.rateLimited;
    throw new RestError(status, code, message);
  }
}

function setRateHeaders(response: Response, state: RateLimiterRes): void {
  response.setHeader('ratelimit-limit', REST_REQUESTS_PER_MINUTE);
  response.setHeader('ratelimit-remaining', Math.max(0, state.remainingPoints));
  response.setHeader('ratelimit-reset', Math.ceil(state.msBeforeNext / 1000));
}

/** Reading `actor` on a public route is a mistake of the route's author, so it throws. */
function withActor(input: Omit<AnyInput, 'actor'>, actor: Requester | null): AnyInput {
  return Object.defineProperty({ ...input }, 'actor', {
    get: () => {
      if (!actor) throw new Error('a public route has no actor');
      return actor;
    },
  }) as AnyInput;
}

function parseRequest(route: Route, request: Request): Pick<AnyInput, 'params' | 'query' | 'body'> {
  const body: unknown = request.body;
  return {
    params: check(route.params, request.params, '') as undefined,
    query: check(route.query, queryOf(request), '') as undefined,
    body: check(
      route.body,
      route.body && (Buffer.isBuffer(body) ? readJson(body) : undefined),
      '',
    ) as undefined,
  };
}

/** Parameters as the caller wrote them; one whose name ends in `[]` is always a list. */
function queryOf(request: Request): Record<string, unknown> {
  const query: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(request.query)) {
    query[name] = name.endsWith('[]') && !Array.isArray(value) ? [value] : value;
  }
  return query;
}

function check(schema: z.ZodType | undefined, value: unknown, root: string): unknown {
  if (!schema) return undefined;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw invalidInput(...result.error.issues.slice(0, 20).map((issue) => issueText(issue, root)));
}

function issueText(issue: z.core.$ZodIssue, root: string): string {
  const path = [root, ...issue.path.map(String)].filter(Boolean).join('.');
  return path === '' ? issue.message : `${path}: ${issue.message}`;
}
