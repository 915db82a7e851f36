import { z } from 'zod';

import { apiKeys, type ApiKeyRecord } from '../../db/stores/api-keys.ts';
import { users } from '../../db/stores/users.ts';
import { hashKey, newApiKey, newId } from '../../platform/ids.ts';
import type { ApiDeps } from '../deps.ts';
import { defineRoute, type Route } from '../route.ts';
import { createConfigStore, getOr404 } from './shared/config-store.ts';
import { pageBody, pageQuery, readPage } from './shared/pagination.ts';
import type { Refer } from './shared/references.ts';
import { invalidInput } from './shared/rest-error.ts';
import { requireGrantable, ROLES } from './shared/roles.ts';
import {
  idParams,
  idSchema,
  instantSchema,
  nameSchema,
  ok,
  pageSchema,
  resourceSchema,
  wrapped,
} from './shared/schemas.ts';

const roleSchema = z.enum(ROLES);
const createBody = z.strictObject({
  api_key: z.strictObject({
    name: nameSchema,
    role: roleSchema.optional().describe('Of an account key; a user key has its user’s role.'),
    read_only: z.boolean().default(false),
    expires_at: instantSchema.nullish(),
    user: z.strictObject({ id: idSchema, type: z.string().max(100).optional() }).nullish(),
  }),
});
const keySchema = resourceSchema({
  name: z.string(),
  role: roleSchema,
  read_only: z.boolean(),
  expires_at: z.string().nullable(),
  created_at: z.string(),
  key: z.string().optional().describe('Only in the answer that creates it.'),
});
const common = { tag: 'API keys', permission: 'keys:write' } as const;

/** `/api_keys`, our own extension: keys of the account and of users. */
export function createApiKeyRoutes(deps: ApiDeps): readonly Route[] {
  const store = createConfigStore(deps);
  return [
    defineRoute({
      ...common,
      method: 'get',
      path: '/api_keys',
      operationId: 'listApiKeys',
      summary: 'List keys, without the keys themselves',
      query: z.object(pageQuery),
      responses: { 200: ok('Keys.', pageSchema('api_keys', keySchema)) },
      handle: ({ actor, query }) =>
        store.read(actor, async ({ trx, refer }) => {
          const page = readPage(query);
          const found = await apiKeys.list(trx, { page });
          const items = found.items.map((item) => keyJson(refer, item));
          return { status: 200, body: pageBody('api_keys', items, page, found) };
        }),
    }),
    defineRoute({
      ...common,
      method: 'post',
      path: '/api_keys',
      operationId: 'createApiKey',
      summary: 'Create a key; it is shown here only',
      body: createBody,
      responses: { 201: ok('The key.', wrapped('api_key', keySchema)) },
      handle: ({ actor, body }) =>
        store.change(actor, async ({ trx, accountId, refer, now }) => {
          const given = body.api_key;
          const user = given.user ? await users.find(trx, given.user.id) : null;
          if (user === undefined) throw invalidInput('api_key.user: no such user');
          if (user && given.role !== undefined && given.role !== user.role) {
            throw invalidInput('api_key.role: a user key has the role of its user');
          }
          if (given.expires_at && given.expires_at <= now) {
            throw invalidInput('api_key.expires_at: must be in the future');
          }
          const role = user?.role ?? given.role ?? 'user';
          requireGrantable(actor, role);
          const key = newApiKey();
          const item: ApiKeyRecord = {
            id: newId(),
            name: given.name,
            keyHash: hashKey(key),
            userId: user?.id ?? null,
            role,
            readOnly: given.read_only,
            expiresAt: given.expires_at ?? null,
            createdAt: now,
          };
          await apiKeys.insert(trx, accountId, item);
          return { status: 201, body: { api_key: { ...keyJson(refer, item), key } } };
        }),
    }),
    defineRoute({
      ...common,
      method: 'delete',
      path: '/api_keys/{id}',
      operationId: 'revokeApiKey',
      summary: 'Revoke a key; it is refused everywhere within 2 seconds',
      params: idParams,
      responses: { 204: ok('Revoked.') },
      handle: ({ actor, params }) =>
        store.change(actor, async ({ trx }) => {
          const item = await getOr404(trx, apiKeys, params.id);
          requireGrantable(actor, item.role);
          await apiKeys.remove(trx, item.id);
          return { status: 204 };
        }),
    }),
  ];
}

function keyJson(refer: Refer, item: ApiKeyRecord): Record<string, unknown> {
  return {
    ...refer('api_key', `api_keys/${item.id}`, item.name),
    name: item.name,
    role: item.role,
    read_only: item.readOnly,
    expires_at: item.expiresAt,
    created_at: item.createdAt,
    user: item.userId === null ? null : { id: item.userId, type: 'user_reference' },
  };
}
