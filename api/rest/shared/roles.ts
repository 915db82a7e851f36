import { ROLE_PERMISSIONS, type Actor } from '../../../domain/permissions.ts';
import type { Role } from '../../../domain/model.ts';
import { accessDenied } from './rest-error.ts';

/** PagerDuty's base roles. */
export const ROLES = [
  'owner',
  'admin',
  'user',
  'limited_user',
  'observer',
  'read_only_user',
  'read_only_limited_user',
  'restricted_access',
] as const satisfies readonly Role[];

/** Nobody gives, changes or takes away a role that may do more than their own. @throws RestError 403 */
export function requireGrantable(actor: Actor, role: Role): void {
  const own = ROLE_PERMISSIONS[actor.role];
  if (ROLE_PERMISSIONS[role].every((permission) => own.includes(permission))) return;
  throw accessDenied(`The role ${actor.role} cannot decide on the role ${role}.`);
}
