import { randomInt, timingSafeEqual } from 'node:crypto';

import { z } from 'zod';

import { contactMethods, users } from '../../db/stores/users.ts';
import {
  countAttempt,
  countSentSince,
  expireVerifications,
  insertVerification,
} from '../../db/stores/verifications.ts';
import type { ContactMethod } from '../../domain/model.ts';
import { hashKey } from '../../platform/ids.ts';
import type { ApiDeps } from '../deps.ts';
import { defineRoute, type Route } from '../route.ts';
import { findMethod, methodParams } from './contact-methods.ts';
import {
  CommittedRefusal,
  createConfigStore,
  getOr404,
  type Changing,
} from './shared/config-store.ts';
import { invalidInput, RestError } from './shared/rest-error.ts';
import { ok } from './shared/schemas.ts';
import { methodJson } from './user-json.ts';

const HOUR_MS = 3_600_000;
const CODES_PER_HOUR = 3;
const CODE_TTL_MS = 600_000;
const TRIES_MAX = 5;

const codeBody = z.strictObject({ code: z.string().regex(/^\d{6}$/, 'must be six digits') });
const common = {
  tag: 'Contact methods',
  permission: 'own_user:write',
  path: '/users/{id}/contact_methods/{contact_method_id}/verification',
  params: methodParams,
} as const;

/** Proof that an address is the user's: a code goes there and comes back. Our own extension. */
export function createVerificationRoutes(deps: ApiDeps): readonly Route[] {
  const store = createConfigStore(deps);
  return [
    defineRoute({
      ...common,
      method: 'post',
      operationId: 'sendVerification',
      summary: 'Send a six-digit code, good for 10 minutes; at most 3 an hour a user',
      responses: { 202: ok('The code is on its way.') },
      handle: async ({ actor, params }) => {
        if (!deps.sendVerification) throw cannotSend();
        const code = randomInt(1_000_000).toString().padStart(6, '0');
        // recorded before it is sent, so that a failing provider cannot be made to send for ever
        const { id, channel, address } = await store.change(actor, async (changing) => {
          const method = await findMethod(changing.trx, params);
          await recordCode(changing, method, code);
          return method;
        });
        await deps.sendVerification({
          accountId: actor.accountId,
          userId: params.id,
          contactMethodId: id,
          channel,
          address,
          code,
        });
        return { status: 202, body: { verification: { expires_in_seconds: CODE_TTL_MS / 1000 } } };
      },
    }),
    defineRoute({
      ...common,
      method: 'put',
      operationId: 'verifyContactMethod',
      summary: 'Verify a contact method with the code that was sent to it; 5 tries a code',
      body: codeBody,
      responses: { 200: ok('The verified method.') },
      handle: ({ actor, params, body }) =>
        store.change(actor, async (changing) => {
          const method = await findMethod(changing.trx, params);
          const verified = await verify(changing, method, body.code);
          if (verified) return { status: 200, body: { contact_method: verified } };
          // a wrong try must be counted, so the refusal comes after the commit
          const wrong = invalidInput('code: is wrong, used, or no longer valid');
          return new CommittedRefusal(wrong);
        }),
    }),
  ];
}

async function recordCode(changing: Changing, method: ContactMethod, code: string): Promise<void> {
  const { trx, accountId, now } = changing;
  await getOr404(trx, users, method.userId);
  if (method.verifiedAt !== null) throw invalidInput('contact_method: is verified already');
  const nowMs = Date.parse(now);
  const since = new Date(nowMs - HOUR_MS).toISOString();
  if ((await countSentSince(trx, method.userId, since)) >= CODES_PER_HOUR) {
    throw new RestError(429, 2020, 'Rate Limit Exceeded', {
      errors: [`At most ${CODES_PER_HOUR} codes an hour`],
      headers: { 'retry-after': String(HOUR_MS / 1000) },
    });
  }
  await insertVerification(trx, accountId, {
    userId: method.userId,
    contactMethodId: method.id,
    codeHash: codeHash(accountId, method.id, code),
    sentAt: now,
    expiresAt: new Date(nowMs + CODE_TTL_MS).toISOString(),
    attempts: 0,
  });
}

async function verify(
  { trx, accountId, refer, now }: Changing,
  method: ContactMethod,
  code: string,
): Promise<Record<string, unknown> | null> {
  const sent = await countAttempt(trx, method.id, now);
  if (!sent || sent.attempts > TRIES_MAX) return null;
  const given = Buffer.from(codeHash(accountId, method.id, code));
  if (!timingSafeEqual(given, Buffer.from(sent.codeHash))) return null;
  await expireVerifications(trx, method.id, now);
  const verified = { ...method, verifiedAt: now };
  await contactMethods.update(trx, verified);
  return methodJson(refer, verified);
}

// Bound to the method, so that a code for one address says nothing about another.
function codeHash(accountId: string, contactMethodId: string, code: string): string {
  return hashKey(`${accountId}/${contactMethodId}/${code}`);
}

function cannotSend(): RestError {
  return new RestError(503, 2000, 'No provider is configured that could send the code');
}
