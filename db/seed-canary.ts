import { randomBytes } from 'node:crypto';

import { hashKey } from '../platform/ids.ts';
import { attributeToOperator } from './audit-records.ts';
import type { Database } from './database.ts';
import { OPERATIONS_ACCOUNT } from './seed-accounts.ts';

const IDS = {
  user: 'PUSERCANARY000',
  policy: 'PPOLICYCANARY0',
  step: 'PSTEPCANARY000',
  service: 'PSERVCANARY000',
  integration: 'PINTCANARY0000',
} as const;

/** Two numbers and two mailboxes, so that both vendors and both relays carry each canary. */
const WAYS = [
  ['sms', '+15005550191'],
  ['sms', '+15005550192'],
  ['email', 'canary-1@example.com'],
  ['email', 'canary-2@example.com'],
  ['push', 'pdlite-canary'],
] as const;

/**
 * The canary's service and its user in PD Lite's own account: rows like any other. What is there already is brought
 * to this key and address, which may change with the ports of the embedded stack.
 */
export function seedCanary(
  database: Database,
  canary: { readonly key: string; readonly url: string },
): Promise<void> {
  const account_id = OPERATIONS_ACCOUNT.id;
  const own = { account_id, user_id: IDS.user };
  return database.inAccount(account_id, async (trx) => {
    const keep = (
      table: string,
      row: Record<string, unknown>,
      changing: readonly string[] = [],
    ) => {
      const insert = trx(table).insert(row).onConflict(['account_id', 'id']);
      return changing.length > 0 ? insert.merge([...changing]) : insert.ignore();
    };
    await keep('users', {
      ...{ id: IDS.user, account_id, name: 'Canary', role: 'restricted_access' },
      ...{ email: 'canary@example.com', time_zone: 'Etc/UTC' },
    });
    for (const [n, [channel, address]] of [['webhook', canary.url] as const, ...WAYS].entries()) {
      const id = `PMETHODCANARY${n}`;
      await keep(
        'contact_methods',
        {
          ...{ ...own, id, channel, address, label: `Canary ${n + 1}` },
          ...{ verified_at: new Date().toISOString(), secret: randomBytes(32).toString('hex') },
        },
        ['address'],
      );
      await keep('notification_rules', {
        ...{ ...own, id: `PRULECANARY00${n}`, urgency: 'high', contact_method_id: id },
        start_delay_in_minutes: 0,
      });
    }
    const target = { type: 'user', id: IDS.user };
    const rules = [{ id: IDS.step, escalationDelayInMinutes: 30, targets: [target] }];
    await keep('escalation_policies', {
      ...{ id: IDS.policy, account_id, name: 'Canary', num_loops: 0, rules: JSON.stringify(rules) },
    });
    await keep('services', {
      ...{ id: IDS.service, account_id, name: 'Canary', escalation_policy_id: IDS.policy },
      ...{ auto_resolve_timeout_sec: 3600, urgency_rule: 'high' },
    });
    const integration = {
      ...{ id: IDS.integration, account_id, service_id: IDS.service, name: 'Watchdog' },
      ...{ type: 'events_api_v2_inbound_integration', key_hash: hashKey(canary.key) },
    };
    await keep('integrations', integration, ['key_hash']);
    await attributeToOperator(trx, account_id, 'seedCanary');
  });
}
