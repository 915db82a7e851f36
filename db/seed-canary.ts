import { randomBytes } from 'node:crypto';

import { hashKey } from '../platform/ids.ts';
import { attributeToOperator } from './audit-records.ts';
import type { Database } from './database.ts';
import { OPERATIONS_ACCOUNT } from './seed-accounts.ts';

const IDS = {
  user: 'PUSERCANARY000',
  method: 'PMETHODCANARY0',
  rule: 'PRULECANARY000',
  policy: 'PPOLICYCANARY0',
  step: 'PSTEPCANARY000',
  service: 'PSERVCANARY000',
  integration: 'PINTCANARY0000',
} as const;

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
    const method = {
      ...{ ...own, id: IDS.method, channel: 'webhook', label: 'Watchdog', address: canary.url },
      ...{ verified_at: new Date().toISOString(), secret: randomBytes(32).toString('hex') },
    };
    await keep('contact_methods', method, ['address']);
    await keep('notification_rules', {
      ...{ ...own, id: IDS.rule, urgency: 'high', contact_method_id: IDS.method },
      start_delay_in_minutes: 0,
    });
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
