import type { Request, Response } from 'express';

import { hashKey } from '../platform/ids.ts';
import { presentedKey } from './auth.ts';
import type { ApiDeps } from './deps.ts';
import { errorAnswer } from './errors.ts';
import { actorFields, originOf, recordOf, type Origin } from './origin.ts';
import { contextOf } from './request-context.ts';
import { RestError } from './rest/shared/rest-error.ts';
import type { Route } from './route.ts';

/**
 * Tells the audit log of an attempt that was refused: of every attempt to change something, and of reading
 * without the right to. A fault of ours is no refusal, and neither is a read that asked wrongly.
 */
export function tellRefused(
  { directory, refusals }: Pick<ApiDeps, 'directory' | 'refusals'>,
  { route, request, response }: { route: Route; request: Request; response: Response },
  error: unknown,
): void {
  const context = contextOf(response);
  const { status } = errorAnswer(error, context.requestId);
  const rights = status === 401 || status === 403;
  const changes = isChange(route) && status >= 400 && status < 500;
  if (route.permission === 'public' || !(rights || changes)) return;
  const origin = originOf(route, request, context);
  const { actor } = context;
  if (actor) {
    refusals?.add(actor.accountId, refusedRecord(origin, actorFields(actor), error));
    return;
  }
  const key = presentedKey(request.get('authorization'));
  const found = key === undefined ? undefined : directory.apiKeyByHash(hashKey(key));
  if (!found) {
    refusals?.addUnknown(key === undefined ? 'no key' : 'unknown key', origin.source);
    return;
  }
  const { id: keyId, userId } = found.apiKey;
  const who = actorFields({ keyId, userId });
  refusals?.add(found.index.account.id, refusedRecord(origin, who, error));
}

/** Whether the route changes something when it succeeds. */
export function isChange({ method, permission }: Pick<Route, 'method' | 'permission'>): boolean {
  return method !== 'get' && permission !== 'public' && !permission.endsWith(':read');
}

function refusedRecord(origin: Origin, who: ReturnType<typeof actorFields>, error: unknown) {
  const [collection] = origin.path.split('/').slice(1);
  const reason =
    error instanceof RestError
      ? `${error.status} ${[error.message, ...error.errors].join('; ')}`
      : 'The request was refused.';
  return {
    ...(collection === undefined ? {} : { root_type: collection }),
    ...recordOf(origin, who),
    outcome: 'refused' as const,
    reason,
  };
}
