import { asSuperuser } from '../postgres/as-superuser.ts';

/**
 * Makes new transactions read-only as an operator would. The setting leaves transactions alone that have
 * begun, so their connections are ended.
 */
export async function makeReadOnly(superuserUrl: string): Promise<void> {
  await asSuperuser(superuserUrl, [
    'alter system set default_transaction_read_only = on',
    'select pg_reload_conf()',
    `select pg_terminate_backend(pid) from pg_stat_activity
       where usename like 'pdlite%' and xact_start is not null`,
  ]);
}

/** Takes it back; this works while everything is read-only. */
export async function makeWritable(superuserUrl: string): Promise<void> {
  await asSuperuser(superuserUrl, [
    'alter system reset default_transaction_read_only',
    'select pg_reload_conf()',
  ]);
}

/** Ends every connection of the product's roles. */
export async function dropBackends(superuserUrl: string): Promise<void> {
  await asSuperuser(superuserUrl, [
    `select pg_terminate_backend(pid) from pg_stat_activity where usename like 'pdlite%'`,
  ]);
}
