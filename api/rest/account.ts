import { z } from 'zod';

import { findAccount, updateAccount } from '../../db/stores/accounts.ts';
import type { Account } from '../../domain/model.ts';
import type { ApiDeps } from '../deps.ts';
import { defineRoute, type Route } from '../route.ts';
import { createConfigStore, requireKnown } from './shared/config-store.ts';
import { notFound } from './shared/rest-error.ts';
import { idSchema, nameSchema, ok, timeZoneSchema, wrapped } from './shared/schemas.ts';

const reference = z.strictObject({ id: idSchema, type: z.string().max(100).optional() });
const updateBody = z.strictObject({
  account: z.strictObject({
    name: nameSchema.optional(),
    time_zone: timeZoneSchema.optional(),
    catch_all_user: reference.nullish(),
    require_reply_codes: z.boolean().optional(),
  }),
});
const shown = z.object({ id: z.string(), type: z.literal('user_reference') });
const accountSchema = z.object({
  id: z.string(),
  type: z.literal('account'),
  subdomain: z.string(),
  name: z.string(),
  time_zone: z.string(),
  owner_user: shown,
  catch_all_user: shown.nullable(),
  require_reply_codes: z.boolean(),
});
const one = wrapped('account', accountSchema);

/** `/account`, our own extension: who is paged when nobody is, and whether bare replies count. */
export function createAccountRoutes(deps: ApiDeps): readonly Route[] {
  const store = createConfigStore(deps);
  return [
    defineRoute({
      method: 'get',
      path: '/account',
      operationId: 'getAccount',
      summary: 'Get the account',
      tag: 'Account',
      permission: 'configuration:read',
      responses: { 200: ok('The account.', one) },
      handle: ({ actor }) =>
        store.read(actor, async ({ trx, accountId }) => {
          const account = await findAccount(trx, accountId);
          if (!account) throw notFound();
          return { status: 200, body: { account: accountJson(account) } };
        }),
    }),
    defineRoute({
      method: 'put',
      path: '/account',
      operationId: 'updateAccount',
      summary: 'Update the account',
      tag: 'Account',
      permission: 'account:write',
      body: updateBody,
      responses: { 200: ok('The account.', one) },
      handle: ({ actor, body }) =>
        store.change(actor, async ({ trx, account: before }) => {
          const given = body.account;
          const catchAll = given.catch_all_user;
          const account: Account = {
            ...before,
            name: given.name ?? before.name,
            timeZone: given.time_zone ?? before.timeZone,
            requireReplyCodes: given.require_reply_codes ?? before.requireReplyCodes,
            catchAllUserId: catchAll === undefined ? before.catchAllUserId : (catchAll?.id ?? null),
          };
          const ids = account.catchAllUserId === null ? [] : [account.catchAllUserId];
          await requireKnown(trx, 'user', ids, 'account.catch_all_user');
          await updateAccount(trx, account);
          return { status: 200, body: { account: accountJson(account) } };
        }),
    }),
  ];
}

function accountJson(account: Account): Record<string, unknown> {
  const user = (id: string) => ({ id, type: 'user_reference' });
  return {
    id: account.id,
    type: 'account',
    subdomain: account.subdomain,
    name: account.name,
    time_zone: account.timeZone,
    owner_user: user(account.ownerUserId),
    catch_all_user: account.catchAllUserId === null ? null : user(account.catchAllUserId),
    require_reply_codes: account.requireReplyCodes,
  };
}
