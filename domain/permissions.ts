import type { Role } from './model.ts';

/** Whoever a key, a link or a reply speaks for. */
export interface Actor {
  readonly accountId: string;
  /** Null: an account key without a user. */
  readonly userId: string | null;
  readonly keyId: string;
  readonly role: Role;
  readonly readOnly: boolean;
}

export type Permission =
  | 'incidents:read'
  | 'incidents:write'
  | 'configuration:read'
  | 'configuration:write'
  /** Own profile, contact methods, notification rules. */
  | 'own_user:write'
  | 'users:write'
  | 'keys:write'
  /** Who changed what, or tried to. */
  | 'audit:read'
  | 'account:write';

/** Every permission, for tables and tests. */
export const PERMISSIONS: readonly Permission[] = [
  'incidents:read',
  'incidents:write',
  'configuration:read',
  'configuration:write',
  'own_user:write',
  'users:write',
  'keys:write',
  'audit:read',
  'account:write',
];

const stakeholder: readonly Permission[] = [
  'incidents:read',
  'configuration:read',
  'own_user:write',
];
const responder: readonly Permission[] = [...stakeholder, 'incidents:write'];
const manager: readonly Permission[] = [...responder, 'configuration:write'];
const admin: readonly Permission[] = [...manager, 'users:write', 'keys:write', 'audit:read'];

/**
 * What each of PagerDuty's base roles may do. The names are the REST API's; in PagerDuty's pages `user` is
 * the manager, `limited_user` the responder, and `read_only_*` the stakeholders.
 */
export const ROLE_PERMISSIONS: Readonly<Record<Role, readonly Permission[]>> = {
  owner: [...admin, 'account:write'],
  admin,
  user: manager,
  limited_user: responder,
  observer: stakeholder,
  read_only_user: stakeholder,
  read_only_limited_user: stakeholder,
  restricted_access: ['own_user:write'],
};

/** Whom or what a permission is wanted on; absent where the permission says it all. */
export interface PermissionTarget {
  readonly accountId?: string;
  readonly userId?: string;
}

export interface Verdict {
  readonly allowed: boolean;
  /** A sentence for the log and the caller. */
  readonly reason: string;
}

/**
 * Whether `actor` may do this: the one place that decides. Total. `own_user:write` on another user's
 * profile needs `users:write`; without a target it answers for the actor's own profile.
 */
export function can(actor: Actor, permission: Permission, target: PermissionTarget = {}): Verdict {
  if (target.accountId !== undefined && target.accountId !== actor.accountId) {
    return refused('The object belongs to another account.');
  }
  if (actor.readOnly && !permission.endsWith(':read')) return refused('The key is read-only.');
  const needed = neededPermission(actor, permission, target);
  return ROLE_PERMISSIONS[actor.role].includes(needed)
    ? { allowed: true, reason: `The role ${actor.role} has ${needed}.` }
    : refused(`The role ${actor.role} does not have ${needed}.`);
}

function neededPermission(
  actor: Actor,
  permission: Permission,
  target: PermissionTarget,
): Permission {
  const other = target.userId !== undefined && target.userId !== actor.userId;
  return permission === 'own_user:write' && other ? 'users:write' : permission;
}

function refused(reason: string): Verdict {
  return { allowed: false, reason };
}
