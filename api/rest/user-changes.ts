import { z } from 'zod';

import { overrides, schedules } from '../../db/stores/schedules.ts';
import { escalationPolicies } from '../../db/stores/services.ts';
import {
  contactMethods,
  countOpenIncidents,
  notificationRules,
  users,
  type UserRecord,
} from '../../db/stores/users.ts';
import type { Role } from '../../domain/model.ts';
import { can, type Actor } from '../../domain/permissions.ts';
import { newId } from '../../platform/ids.ts';
import type { Changing } from './shared/config-store.ts';
import { accessDenied, invalidInput } from './shared/rest-error.ts';
import { requireGrantable, ROLES } from './shared/roles.ts';
import { nameSchema, timeZoneSchema } from './shared/schemas.ts';

/** One of PagerDuty's base roles. */
export const roleSchema = z.enum(ROLES);
const fields = {
  time_zone: timeZoneSchema.optional(),
  role: roleSchema.optional(),
  job_title: z.string().max(100).nullish(),
  description: z.string().max(1024).nullish(),
};
const emailSchema = z.email().max(100);
/** `POST /users` */
export const userCreateBody = z.object({
  user: z.object({ name: nameSchema, email: emailSchema, ...fields }),
});
/** `PUT /users/{id}` */
export const userUpdateBody = z.object({
  user: z.object({ name: nameSchema.optional(), email: emailSchema.optional(), ...fields }),
});
type Input = z.infer<typeof userUpdateBody>['user'];

/**
 * A new user with an unverified e-mail method, and a rule for each urgency that uses it.
 * @throws RestError 403 for a role above the actor's, 400 for an address that is taken
 */
export async function createUser(
  { trx, accountId, account }: Changing,
  actor: Actor,
  input: z.infer<typeof userCreateBody>['user'],
): Promise<UserRecord> {
  const role: Role = input.role ?? 'user';
  requireGrantable(actor, role);
  if (role === 'owner') throw invalidInput('user.role: the account has its owner');
  await requireFreeEmail(trx, input.email, null);
  const record: UserRecord = {
    id: newId(),
    name: input.name,
    email: input.email,
    timeZone: input.time_zone ?? account.timeZone,
    role,
    jobTitle: input.job_title ?? null,
    description: input.description ?? null,
  };
  await users.insert(trx, accountId, record);
  const methodId = newId();
  await contactMethods.insert(trx, accountId, {
    id: methodId,
    userId: record.id,
    channel: 'email',
    label: 'Default',
    address: record.email.toLowerCase(),
    secret: null,
    verifiedAt: null,
    optedOutAt: null,
  });
  for (const urgency of ['high', 'low'] as const) {
    await notificationRules.insert(trx, accountId, {
      id: newId(),
      userId: record.id,
      urgency,
      contactMethodId: methodId,
      startDelayInMinutes: 0,
    });
  }
  return record;
}

/** @throws RestError 403 for whom or what the actor may not change, 400 for an address that is taken */
export async function updateUser(
  { trx }: Changing,
  actor: Actor,
  before: UserRecord,
  input: Input,
): Promise<UserRecord> {
  const record: UserRecord = {
    ...before,
    name: input.name ?? before.name,
    email: input.email ?? before.email,
    timeZone: input.time_zone ?? before.timeZone,
    role: input.role ?? before.role,
    jobTitle: input.job_title === undefined ? before.jobTitle : input.job_title,
    description: input.description === undefined ? before.description : input.description,
  };
  if (before.id !== actor.userId) requireGrantable(actor, before.role);
  if (record.role !== before.role) requireRoleChange(actor, before, record.role);
  if (record.email !== before.email) await requireFreeEmail(trx, record.email, before.id);
  await users.update(trx, record);
  return record;
}

// Nobody lifts themselves, and the account always keeps its owner.
function requireRoleChange(actor: Actor, before: UserRecord, role: Role): void {
  const { allowed, reason } = can(actor, 'users:write');
  if (!allowed) throw accessDenied(reason);
  if (before.role === 'owner' || role === 'owner') {
    throw invalidInput('user.role: the owner of the account stays the same');
  }
  requireGrantable(actor, role);
}

async function requireFreeEmail(
  trx: Changing['trx'],
  email: string,
  exceptId: string | null,
): Promise<void> {
  const found = await users.list(trx, {
    page: { limit: 100, offset: 0, total: false },
    query: email,
  });
  const taken = found.items.some(
    (user) => user.email.toLowerCase() === email.toLowerCase() && user.id !== exceptId,
  );
  if (taken) throw invalidInput('user.email: has already been taken');
}

/** Everything that needs this user, in words. */
export async function usesOfUser(
  { trx, account, now }: Changing,
  userId: string,
): Promise<string[]> {
  const uses: string[] = [];
  if (account.ownerUserId === userId) uses.push('the account, as its owner');
  if (account.catchAllUserId === userId) uses.push('the account, as its catch-all');
  for (const policy of await escalationPolicies.all(trx)) {
    const targets = policy.rules.flatMap((rule) => rule.targets);
    if (targets.some((target) => target.type === 'user' && target.id === userId)) {
      uses.push(`the escalation policy ${policy.name}`);
    }
  }
  for (const schedule of await schedules.all(trx)) {
    if (schedule.layers.some((layer) => layer.userIds.includes(userId))) {
      uses.push(`the schedule ${schedule.name}`);
    }
  }
  const covers = await overrides.where(trx, 'user_id', [userId]);
  if (covers.some((override) => override.end > now)) uses.push('an override that is not over');
  if ((await countOpenIncidents(trx, userId)) > 0) uses.push('open incidents');
  return uses;
}
