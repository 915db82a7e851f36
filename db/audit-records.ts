import { userInfo } from 'node:os';

import type { AuditRecord } from '../domain/audit/record.ts';
import { newId } from '../platform/ids.ts';
import type { Trx } from './stores/table.ts';

/** What whoever writes a record says; the database adds place, times and hashes, and what the transaction changed. */
export type NewAuditRecord = Pick<
  AuditRecord,
  'id' | 'actor_type' | 'actor_id' | 'action' | 'operation' | 'outcome' | 'source'
> &
  Partial<
    Omit<AuditRecord, 'account_id' | 'seq' | 'version' | 'recorded_at' | 'prev_hash' | 'hash'>
  >;

const TEXT_CHARS = 500;

/**
 * Appends records to the account's chain, in this order. Until the transaction ends no other one appends to it, so
 * it comes last. With `outcome` success and no producer, the first takes what the transaction changed so far.
 */
export async function insertAuditRecords(
  trx: Trx,
  accountId: string,
  records: readonly NewAuditRecord[],
): Promise<void> {
  if (records.length === 0) return;
  await trx('audit_records')
    .insert(records.map((record) => ({ account_id: accountId, ...bounded(record) })))
    // Whoever tries again after a lost answer writes nothing twice.
    .onConflict(['account_id', 'id'])
    .ignore();
}

/**
 * Says that an operator's command made what the transaction changed so far; where it changed nothing there is
 * nothing to say.
 */
export async function attributeToOperator(
  trx: Trx,
  accountId: string,
  operation: string,
): Promise<void> {
  const [row] = await trx.select<{ changes: string | null }[]>(
    trx.raw(`current_setting('app.audit_changes', true) as changes`),
  );
  if (!row?.changes) return;
  await insertAuditRecords(trx, accountId, [
    { ...operatorRecord(operation), action: 'create', root_type: 'accounts', root_id: accountId },
  ]);
}

/** What every record of a command says: who runs it on which kind of way in. */
export function operatorRecord(operation: string): Omit<NewAuditRecord, 'action'> {
  return {
    ...{ id: newId('A'), actor_type: 'operator', actor_id: userInfo().username },
    ...{ operation, outcome: 'success', source: 'command' },
  };
}

/** Nothing that a caller sends makes a record large, or impossible to store. */
export function bounded(record: NewAuditRecord): NewAuditRecord {
  const texts = Object.entries(record).map(([name, value]) => {
    if (typeof value !== 'string' || name === 'changes') return [name, value] as const;
    return [name, clean(value).slice(0, TEXT_CHARS)] as const;
  });
  return { ...record, ...Object.fromEntries(texts) };
}

/** PostgreSQL stores no NUL character. */
function clean(text: string): string {
  return text.replaceAll('\0', '\uFFFD').toWellFormed();
}
