import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { Role } from './model.ts';
import { can, PERMISSIONS, ROLE_PERMISSIONS, type Actor } from './permissions.ts';

// One function decides each permission: by the role's row in the table, never across accounts, and never
// a write by a read-only key.
const roles = Object.keys(ROLE_PERMISSIONS) as Role[];
const actor = (role: Role, more: Partial<Actor> = {}): Actor => ({
  accountId: 'PACC',
  userId: 'PUSER',
  keyId: 'PKEY',
  role,
  readOnly: false,
  ...more,
});

/** The table once more, by hand: what a change of a role gives or takes is seen here. */
const SPELT: Readonly<Record<Role, string>> = {
  owner: 'incidents:rw configuration:rw own_user:w users:w keys:w account:w audit:r',
  admin: 'incidents:rw configuration:rw own_user:w users:w keys:w audit:r',
  user: 'incidents:rw configuration:rw own_user:w',
  limited_user: 'incidents:rw configuration:r own_user:w',
  observer: 'incidents:r configuration:r own_user:w',
  read_only_user: 'incidents:r configuration:r own_user:w',
  read_only_limited_user: 'incidents:r configuration:r own_user:w',
  restricted_access: 'own_user:w',
};
const spelt = (role: Role) =>
  SPELT[role].split(' ').flatMap((item) => {
    const [name = '', letters = ''] = item.split(':');
    return Array.from(letters).map((letter) => `${name}:${letter === 'r' ? 'read' : 'write'}`);
  });

describe('can', () => {
  it('knows the roles as they are spelt out here', () => {
    for (const role of roles)
      expect([...ROLE_PERMISSIONS[role]].sort(), role).toEqual(spelt(role).sort());
  });

  it('follows the table of roles', () => {
    for (const role of roles) {
      for (const permission of PERMISSIONS) {
        const { allowed, reason } = can(actor(role), permission);
        expect(allowed, `${role} ${permission}`).toBe(ROLE_PERMISSIONS[role].includes(permission));
        expect(reason).toMatch(/\.$/);
      }
    }
  });

  it('never lets a read-only key write, nor anybody reach another account', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...roles),
        fc.constantFrom(...PERMISSIONS),
        (role, permission) => {
          const readOnly = can(actor(role, { readOnly: true }), permission);
          expect(readOnly.allowed && !permission.endsWith(':read')).toBe(false);
          expect(can(actor(role), permission, { accountId: 'POTHER' }).allowed).toBe(false);
        },
      ),
    );
  });

  it('lets everybody change the own profile, and only administrators those of others', () => {
    for (const role of roles) {
      expect(can(actor(role), 'own_user:write', { userId: 'PUSER' }).allowed).toBe(true);
      expect(can(actor(role), 'own_user:write', { userId: 'PELSE' }).allowed, role).toBe(
        role === 'owner' || role === 'admin',
      );
    }
  });

  it('takes an account key, which has no user, for nobody’s own profile', () => {
    const key = actor('user', { userId: null });
    expect(can(key, 'own_user:write', { userId: 'PUSER' }).allowed).toBe(false);
  });
});
