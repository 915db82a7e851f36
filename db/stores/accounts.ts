import type { Account } from '../../domain/model.ts';
import type { Trx } from './table.ts';

interface Row {
  readonly id: string;
  readonly subdomain: string;
  readonly name: string;
  readonly time_zone: string;
  readonly catch_all_user_id: string | null;
  readonly owner_user_id: string;
  readonly require_reply_codes: boolean;
}

/**
 * Takes the account's turn for a change of configuration and reads the account: until the transaction ends
 * no other change runs, so that what was checked (references, limits) is still true when it commits.
 * `for no key update` holds up nobody who only refers to the account.
 */
export async function lockAccount(trx: Trx, accountId: string): Promise<Account | undefined> {
  const rows = (await trx('accounts').where({ id: accountId }).forNoKeyUpdate()) as Row[];
  return rows.map(toAccount)[0];
}

export async function findAccount(trx: Trx, accountId: string): Promise<Account | undefined> {
  const rows = (await trx('accounts').where({ id: accountId })) as Row[];
  return rows.map(toAccount)[0];
}

/** Writes what people may change of an account: name, zone, catch-all and reply codes. */
export async function updateAccount(trx: Trx, account: Account): Promise<void> {
  await trx('accounts').where({ id: account.id }).update({
    name: account.name,
    time_zone: account.timeZone,
    catch_all_user_id: account.catchAllUserId,
    require_reply_codes: account.requireReplyCodes,
  });
}

function toAccount(row: Row): Account {
  return {
    id: row.id,
    subdomain: row.subdomain,
    name: row.name,
    timeZone: row.time_zone,
    catchAllUserId: row.catch_all_user_id,
    ownerUserId: row.owner_user_id,
    requireReplyCodes: row.require_reply_codes,
  };
}
