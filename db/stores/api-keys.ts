import type { ApiKey } from '../../domain/model.ts';
import { createTable } from './table.ts';

/** A key with what people see of it; the key itself is nowhere. */
export type ApiKeyRecord = ApiKey & { readonly name: string; readonly createdAt: string };

interface Row {
  readonly id: string;
  readonly name: string;
  readonly key_hash: string;
  readonly user_id: string | null;
  readonly role: ApiKey['role'];
  readonly read_only: boolean;
  readonly expires_at: string | null;
  readonly created_at: string;
}

export const apiKeys = createTable<Row, ApiKeyRecord>({
  name: 'api_keys',
  search: ['name'],
  orderBy: 'created_at',
  toItem: (row) => ({
    id: row.id,
    name: row.name,
    keyHash: row.key_hash,
    userId: row.user_id,
    role: row.role,
    readOnly: row.read_only,
    expiresAt: row.expires_at,
    createdAt: row.created_at,
  }),
  toRow: (key) => ({
    name: key.name,
    key_hash: key.keyHash,
    user_id: key.userId,
    role: key.role,
    read_only: key.readOnly,
    expires_at: key.expiresAt,
    created_at: key.createdAt,
  }),
});
