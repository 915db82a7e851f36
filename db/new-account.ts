import { hashKey, newApiKey, newId } from '../platform/ids.ts';
import { attributeToOperator } from './audit-records.ts';
import type { Database } from './database.ts';

export interface NewAccount {
  readonly name: string;
  readonly ownerName: string;
  readonly ownerEmail: string;
}

/**
 * Makes an account with its owner and the owner's REST key, in one transaction, as the application role.
 * Everything else is then made over the REST api.
 * @returns the key, which is stored as a hash only.
 * @throws Error when the name or the address does not do, or the name is taken.
 */
export async function createAccount(
  database: Database,
  wanted: NewAccount,
): Promise<{ readonly accountId: string; readonly apiKey: string }> {
  const subdomain = subdomainOf(wanted.name);
  if (subdomain === '') throw new Error('The account needs a name with letters or digits.');
  if (!/^[^\s@]+@[^\s@]+$/.test(wanted.ownerEmail)) {
    throw new Error('The owner needs an e-mail address: --owner-email ada@example.com');
  }
  const [accountId, ownerId, methodId, apiKey] = [newId(), newId(), newId(), newApiKey()];
  await database.inAccount(accountId, async (trx) => {
    const account = { id: accountId, subdomain, name: wanted.name, owner_user_id: ownerId };
    const created: unknown[] = await trx('accounts')
      .insert({ ...account, catch_all_user_id: ownerId })
      .onConflict('subdomain')
      .ignore()
      .returning('id');
    if (created.length === 0) throw new Error(`The account ${subdomain} exists already.`);
    const own = { account_id: accountId, user_id: ownerId };
    await trx('users').insert({
      ...{ id: ownerId, account_id: accountId, role: 'owner' },
      ...{ name: wanted.ownerName, email: wanted.ownerEmail.toLowerCase() },
    });
    await trx('contact_methods').insert({
      ...own,
      ...{ id: methodId, channel: 'email', label: 'Work' },
      address: wanted.ownerEmail.toLowerCase(),
    });
    await trx('notification_rules').insert(
      (['high', 'low'] as const).map((urgency) => ({
        ...own,
        ...{ id: newId(), urgency, contact_method_id: methodId, start_delay_in_minutes: 0 },
      })),
    );
    await trx('api_keys').insert({
      ...{ ...own, id: newId(), name: 'First key of the owner' },
      ...{ key_hash: hashKey(apiKey), role: 'owner' },
    });
    await attributeToOperator(trx, accountId, 'createAccount');
  });
  return { accountId, apiKey };
}

function subdomainOf(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 40);
}
