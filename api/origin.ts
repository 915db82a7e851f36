import type { Request } from 'express';
import ipaddr from 'ipaddr.js';

import type { NewAuditRecord } from '../db/audit-records.ts';
import type { Directory } from '../domain/directory.ts';
import type { ActionOrigin } from '../domain/incident/types.ts';
import type { Actor } from '../domain/permissions.ts';
import { newId } from '../platform/ids.ts';
import { parseTraceparent } from '../platform/tracing.ts';
import type { RequestContext } from './request-context.ts';
import type { Route } from './route.ts';

/** By which request somebody asks, as the audit log tells it. */
export interface Origin {
  readonly operation: string;
  readonly method: Route['method'];
  /** Route template, and what stood in its braces. */
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly requestId: string;
  readonly traceId: string | null;
  /** Class of the caller's address; never the address. */
  readonly source: SourceClass;
}

export type SourceClass = 'public' | 'private' | 'loopback' | 'other';

/** Who asks, and by which request. */
export interface Requester extends Actor {
  readonly origin: Origin;
}

const ACTIONS = {
  get: 'read',
  post: 'create',
  put: 'update',
  patch: 'update',
  delete: 'delete',
} as const;

/** Where this request came from. */
export function originOf(
  { operationId, method, path }: Pick<Route, 'operationId' | 'method' | 'path'>,
  request: Request,
  { requestId, traceparent }: Pick<RequestContext, 'requestId' | 'traceparent'>,
): Origin {
  const traceId = parseTraceparent(traceparent ?? undefined)?.traceId ?? null;
  const source = sourceClass(request.ip);
  const params = request.params as Record<string, string>;
  return { operation: operationId, method, path, params, requestId, traceId, source };
}

/** The class of an address as express knows it, behind the configured proxies. */
export function sourceClass(address: string | undefined): SourceClass {
  if (address === undefined || !ipaddr.isValid(address)) return 'other';
  switch (ipaddr.process(address).range()) {
    case 'unicast':
      return 'public';
    case 'loopback':
      return 'loopback';
    case 'private':
    case 'uniqueLocal':
    case 'linkLocal':
    case 'carrierGradeNat':
      return 'private';
    default:
      return 'other';
  }
}

/** The record of what this request did, or tried to do. What it is about follows from its path. */
export function recordOf(
  origin: Origin,
  who: Pick<NewAuditRecord, 'actor_type' | 'actor_id'> & Partial<NewAuditRecord>,
): NewAuditRecord {
  const { path, params, operation, source, requestId, traceId } = origin;
  return {
    id: newId('A'),
    outcome: 'success',
    action: ACTIONS[origin.method],
    ...{ operation, source, request_id: requestId, trace_id: traceId },
    ...objectOf(path, params),
    ...who,
  };
}

/** The same for an incident, whose workflow passes it on to the audit log with what comes of it. */
export function actionOrigin(
  { directory }: { readonly directory: Directory },
  { accountId, userId, keyId, origin }: Requester,
): ActionOrigin {
  const keys = directory.account(accountId)?.config.apiKeys ?? [];
  const key = keys.find(({ id }) => id === keyId);
  const onBehalf = userId !== null && key?.userId === null;
  return { requestId: origin.requestId, keyId, onBehalf, source: origin.source };
}

/** A user by the user's own key, or an account key. */
export function actorFields({ userId, keyId }: Pick<Actor, 'userId' | 'keyId'>) {
  const user = userId !== null;
  return {
    ...{ actor_type: user ? 'user' : 'api_key', actor_id: userId ?? keyId },
    credential_id: keyId,
  } as const;
}

/**
 * `/teams/{id}/users/{user_id}` is about a user, whose root is a team. The object of `/teams` is what the
 * transaction made there; of `/users/{id}/contact_methods` the same, below the user.
 */
function objectOf(path: string, params: Readonly<Record<string, string>>) {
  const parts = path.split('/').slice(1);
  const pairs = parts.flatMap((part, index) => {
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    return name === undefined ? [] : [[parts[index - 1] ?? '', params[name] ?? ''] as const];
  });
  const [root] = pairs;
  const object = parts.at(-1)?.startsWith('{') ? pairs.at(-1) : undefined;
  return {
    ...(root ? { root_type: root[0], root_id: root[1] } : {}),
    ...(object ? { object_type: object[0], object_id: object[1] } : {}),
  };
}
