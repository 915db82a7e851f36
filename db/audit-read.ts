import type pg from 'pg';

import { AUDIT_FIELDS } from '../domain/audit/record.ts';

const PAGE = 5000;

const columns = [
  ...AUDIT_FIELDS.map((name) =>
    name.endsWith('_at')
      ? `to_char(${name} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as ${name}`
      : name,
  ),
  `encode(prev_hash, 'hex') as prev_hash`,
  `encode(hash, 'hex') as hash`,
].join(', ');
// By the hash too, so that a forged second record with one number has its place.
const RECORDS = `select row_to_json(r)::text as line from (
  select ${columns} from audit_records where account_id = $1 order by seq, hash) r`;

/** Accounts with records, and those of `also`, in order; the chain of nobody's attempts is one of them. */
export async function auditedAccounts(
  client: pg.ClientBase,
  also: readonly string[] = [],
): Promise<readonly string[]> {
  // A search for the next account after each, since there are few among very many records.
  const { rows } = await client.query<{ account: string }>(
    `with recursive found as (
       (select account_id from audit_records order by account_id limit 1)
       union all
       select (select r.account_id from audit_records r where r.account_id > f.account_id
         order by r.account_id limit 1)
       from found f where f.account_id is not null)
     select account_id as account from found where account_id is not null
     union select unnest($1::text[]) order by 1`,
    [[...also]],
  );
  return rows.map(({ account }) => account);
}

/** The account's records as JSON lines, in pages, as they are at one instant; within a transaction. */
export async function* recordLines(
  client: pg.ClientBase,
  account: string,
): AsyncGenerator<readonly string[]> {
  const name = 'audit_lines';
  await client.query(`declare ${name} no scroll cursor for ${RECORDS}`, [account]);
  for (;;) {
    const { rows } = await client.query<{ line: string }>(`fetch ${PAGE} from ${name}`);
    if (rows.length > 0) yield rows.map(({ line }) => line);
    if (rows.length < PAGE) break;
  }
  await client.query(`close ${name}`);
}

/** Log entries of the account that were stored since the log began, but have no record; at most 100 ids. */
export async function unrecordedEntries(
  client: pg.ClientBase,
  account: string,
): Promise<readonly string[]> {
  const { rows } = await client.query<{ id: string }>(
    `select l.id from log_entries l
     left join audit_records a on a.account_id = l.account_id and a.id = 'L' || l.id
     where l.account_id = $1 and a.id is null
       and l.projected_at > (select min(r.recorded_at) from audit_records r where r.account_id = $1)
     order by l.projected_at limit 100`,
    [account],
  );
  return rows.map(({ id }) => id);
}
