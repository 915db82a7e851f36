import { randomBytes } from 'node:crypto';

import { z } from 'zod';

import { contactMethods, users } from '../../db/stores/users.ts';
import { expireVerifications } from '../../db/stores/verifications.ts';
import type { Channel, ContactMethod } from '../../domain/model.ts';
import { newId } from '../../platform/ids.ts';
import type { ApiDeps } from '../deps.ts';
import { defineRoute, type Route } from '../route.ts';
import { normalAddress } from './shared/address.ts';
import { createConfigStore, getOr404, type Changing } from './shared/config-store.ts';
import { invalidInput, notFound } from './shared/rest-error.ts';
import { idParams, idSchema, nameSchema, ok, resourceSchema, wrapped } from './shared/schemas.ts';
import { METHOD_TYPES, methodJson } from './user-json.ts';

/** PagerDuty's bounds of one user. */
const METHODS_MAX = 10;
const SAME_KIND_MAX: Partial<Record<Channel, number>> = { sms: 3, voice: 3 };

const TYPES = [
  'email_contact_method',
  'sms_contact_method',
  'phone_contact_method',
  'push_notification_contact_method',
  'webhook_contact_method',
] as const;
const input = {
  label: nameSchema,
  address: z.string().min(1).max(2048),
  country_code: z.int().min(1).max(1999).optional(),
};
const createBody = z.object({ contact_method: z.object({ type: z.enum(TYPES), ...input }) });
const updateBody = z.object({
  contact_method: z.object({
    type: z.enum(TYPES).optional(),
    label: input.label.optional(),
    address: input.address.optional(),
    country_code: input.country_code,
  }),
});
/** `{id}` the user, `{contact_method_id}` the method. */
export const methodParams = z.object({ id: idSchema, contact_method_id: idSchema });
const methodSchema = resourceSchema({
  label: z.string(),
  address: z.string(),
  country_code: z.int().optional(),
  enabled: z.boolean().optional(),
  blacklisted: z.boolean().optional(),
  verified_at: z.string().nullable(),
  opted_out_at: z.string().nullable(),
});
const one = wrapped('contact_method', methodSchema);
const common = { tag: 'Contact methods', permission: 'own_user:write' } as const;
const path = '/users/{id}/contact_methods';

/** `/users/{id}/contact_methods`; a new or changed address is paged only after it is verified. */
export function createContactMethodRoutes(deps: ApiDeps): readonly Route[] {
  const store = createConfigStore(deps);
  return [
    defineRoute({
      ...common,
      permission: 'configuration:read',
      method: 'get',
      path,
      operationId: 'listContactMethods',
      summary: 'List a user’s contact methods',
      params: idParams,
      responses: {
        200: ok('The methods.', z.object({ contact_methods: z.array(methodSchema) })),
      },
      handle: ({ actor, params }) =>
        store.read(actor, async ({ trx, refer }) => {
          const user = await getOr404(trx, users, params.id);
          const found = await contactMethods.where(trx, 'user_id', [user.id]);
          const items = found.map((method) => methodJson(refer, method));
          return { status: 200, body: { contact_methods: items } };
        }),
    }),
    defineRoute({
      ...common,
      method: 'post',
      path,
      operationId: 'createContactMethod',
      summary: 'Add a contact method, unverified; a webhook’s secret is shown here only',
      params: idParams,
      body: createBody,
      responses: { 201: ok('The method.', one) },
      handle: ({ actor, params, body }) =>
        store.change(actor, async (changing) => {
          await getOr404(changing.trx, users, params.id);
          const method = await createMethod(changing, params.id, body.contact_method);
          const secret = method.secret === null ? {} : { secret: method.secret };
          const shown = { ...methodJson(changing.refer, method), ...secret };
          return { status: 201, body: { contact_method: shown } };
        }),
    }),
    defineRoute({
      ...common,
      permission: 'configuration:read',
      method: 'get',
      path: `${path}/{contact_method_id}`,
      operationId: 'getContactMethod',
      summary: 'Get a contact method',
      params: methodParams,
      responses: { 200: ok('The method.', one) },
      handle: ({ actor, params }) =>
        store.read(actor, async ({ trx, refer }) => {
          const method = await findMethod(trx, params);
          return { status: 200, body: { contact_method: methodJson(refer, method) } };
        }),
    }),
    defineRoute({
      ...common,
      method: 'put',
      path: `${path}/{contact_method_id}`,
      operationId: 'updateContactMethod',
      summary: 'Update a contact method; a changed address has to be verified again',
      params: methodParams,
      body: updateBody,
      responses: { 200: ok('The method.', one) },
      handle: ({ actor, params, body }) =>
        store.change(actor, async (changing) => {
          const before = await findMethod(changing.trx, params);
          const method = await updateMethod(changing, before, body.contact_method);
          return { status: 200, body: { contact_method: methodJson(changing.refer, method) } };
        }),
    }),
    defineRoute({
      ...common,
      method: 'delete',
      path: `${path}/{contact_method_id}`,
      operationId: 'deleteContactMethod',
      summary: 'Delete a contact method and the notification rules that use it',
      params: methodParams,
      responses: { 204: ok('Deleted.') },
      handle: ({ actor, params }) =>
        store.change(actor, async ({ trx, now }) => {
          const method = await findMethod(trx, params);
          await expireVerifications(trx, method.id, now);
          await contactMethods.remove(trx, method.id);
          return { status: 204 };
        }),
    }),
  ];
}

/** The user's own method, never another's. @throws RestError 404 */
export async function findMethod(
  trx: Changing['trx'],
  params: z.infer<typeof methodParams>,
): Promise<ContactMethod> {
  const method = await getOr404(trx, contactMethods, params.contact_method_id);
  if (method.userId !== params.id) throw notFound();
  return method;
}

async function createMethod(
  { trx, accountId }: Changing,
  userId: string,
  given: z.infer<typeof createBody>['contact_method'],
): Promise<ContactMethod> {
  const channel = channelOf(given.type);
  const existing = await contactMethods.where(trx, 'user_id', [userId]);
  requireRoom(existing, channel);
  const method: ContactMethod = {
    id: newId(),
    userId,
    channel,
    label: given.label,
    address: normalAddress(channel, given.address, given.country_code),
    secret: channel === 'webhook' ? randomBytes(32).toString('base64url') : null,
    verifiedAt: null,
    optedOutAt: null,
  };
  requireUnique(existing, method);
  await contactMethods.insert(trx, accountId, method);
  return method;
}

async function updateMethod(
  { trx, now }: Changing,
  before: ContactMethod,
  given: z.infer<typeof updateBody>['contact_method'],
): Promise<ContactMethod> {
  if (given.type !== undefined && channelOf(given.type) !== before.channel) {
    throw invalidInput('contact_method.type: cannot be changed');
  }
  const address =
    given.address === undefined
      ? before.address
      : normalAddress(before.channel, given.address, given.country_code);
  const changed = address !== before.address;
  const method: ContactMethod = {
    ...before,
    label: given.label ?? before.label,
    address,
    verifiedAt: changed ? null : before.verifiedAt,
    optedOutAt: changed ? null : before.optedOutAt,
  };
  requireUnique(await contactMethods.where(trx, 'user_id', [before.userId]), method);
  // a code that went to the old address must not verify the new one
  if (changed) await expireVerifications(trx, before.id, now);
  await contactMethods.update(trx, method);
  return method;
}

function channelOf(type: string): Channel {
  const channels = Object.keys(METHOD_TYPES) as Channel[];
  const channel = channels.find((candidate) => METHOD_TYPES[candidate] === type);
  if (!channel) throw invalidInput('contact_method.type: is not known');
  return channel;
}

function requireRoom(existing: readonly ContactMethod[], channel: Channel): void {
  if (existing.length >= METHODS_MAX) {
    throw invalidInput(`contact_method: a user has at most ${METHODS_MAX} contact methods`);
  }
  const most = SAME_KIND_MAX[channel];
  const same = existing.filter((method) => method.channel === channel).length;
  if (most !== undefined && same >= most) {
    throw invalidInput(
      `contact_method: a user has at most ${most} of type ${METHOD_TYPES[channel]}`,
    );
  }
}

function requireUnique(existing: readonly ContactMethod[], method: ContactMethod): void {
  const taken = existing.some(
    (other) =>
      other.id !== method.id &&
      other.channel === method.channel &&
      other.address === method.address,
  );
  if (taken) throw invalidInput('contact_method.address: the user has this method already');
}
