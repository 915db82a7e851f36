import type { AccountIndex, Directory } from '../domain/directory.ts';
import type { ApiKey, User } from '../domain/model.ts';
import type { Actor, Permission } from '../domain/permissions.ts';
import { hashKey } from '../platform/ids.ts';
import { REST_ERRORS } from './problems.ts';
import { invalidInput, RestError } from './rest/shared/rest-error.ts';

const CREDENTIALS = /^(?:token\s+token=|bearer\s+)"?([^\s"]{1,200})"?$/i;

/** What decides who asks. */
export interface Credentials {
  readonly authorization: string | undefined;
  /** The `From` header: the e-mail address of the user for whom an account key acts. */
  readonly from: string | undefined;
}

/**
 * Who asks: the user of a user key with the role that the user has now, or the account key itself, which on
 * writes to incidents acts for the user that `From` names.
 * @throws RestError 401 for an unknown or expired key, 400 for a missing or unknown `From`.
 */
export function authenticate(
  directory: Directory,
  now: Date,
  credentials: Credentials,
  needed: { readonly permission: Permission; readonly fromOptional?: true | undefined },
): Actor {
  const key = presentedKey(credentials.authorization);
  const found = key === undefined ? undefined : directory.apiKeyByHash(hashKey(key));
  if (!found || isExpired(found.apiKey, now)) throw unauthenticated();
  const { index, apiKey } = found;
  if (apiKey.userId !== null) return userActor(index, apiKey, apiKey.userId);
  const writes = needed.permission === 'incidents:write';
  const asked = writes && !(needed.fromOptional && credentials.from === undefined);
  const user = asked ? requester(index, credentials.from) : null;
  return { ...actorBase(index, apiKey), userId: user?.id ?? null, role: apiKey.role };
}

/** The key that an `Authorization` header holds, if it holds one. */
export function presentedKey(authorization: string | undefined): string | undefined {
  return CREDENTIALS.exec(authorization ?? '')?.[1];
}

function userActor(index: AccountIndex, apiKey: ApiKey, userId: string): Actor {
  const user = index.users.get(userId);
  if (!user) throw unauthenticated();
  return { ...actorBase(index, apiKey), userId, role: user.role };
}

function actorBase(index: AccountIndex, apiKey: ApiKey) {
  return { accountId: index.account.id, keyId: apiKey.id, readOnly: apiKey.readOnly };
}

function requester(index: AccountIndex, from: string | undefined): User {
  const email = from?.trim().toLowerCase() ?? '';
  if (email === '') {
    throw invalidInput('The From header must hold the e-mail address of a user of the account.');
  }
  const user = index.config.users.find((candidate) => candidate.email.toLowerCase() === email);
  if (user) return user;
  const { status, code, message } = REST_ERRORS.requesterNotFound;
  throw new RestError(status, code, message);
}

function isExpired(apiKey: ApiKey, now: Date): boolean {
  return apiKey.expiresAt !== null && Date.parse(apiKey.expiresAt) <= now.getTime();
}

function unauthenticated(): RestError {
  const { status, code, message } = REST_ERRORS.authenticationFailed;
  return new RestError(status, code, message, { headers: { 'www-authenticate': 'Token' } });
}
