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
  | 'account:write';
