import { createHash } from 'node:crypto';

import pg from 'pg';

/** The account of everybody in the bench. */
export const ACCOUNT = 'PBENCH00000000';

/** The integration key of bench person `n`; each person has a service of their own. */
export function routingKey(n: number): string {
  return createHash('md5').update(`bench-${n}`).digest('hex');
}

/** The policies of people from this one on page a second time after a minute; the others after half an hour. */
export const QUICK_STEP_FROM = 981;

/**
 * Makes one account with `count` people, each with a verified push topic, a rule at once, a policy of two
 * rules that both lead to them, a service and an integration. As superuser, in one transaction.
 */
export async function populate(superuserUrl: string, count: number): Promise<void> {
  const url = new URL(superuserUrl);
  url.pathname = '/pdlite';
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    await client.query('begin');
    await client.query(
      `insert into accounts (id, subdomain, name, owner_user_id) values ($1, 'bench', 'Bench', 'PU1')`,
      [ACCOUNT],
    );
    for (const statement of statements) await client.query(statement, [ACCOUNT, count]);
    await client.query('commit');
  } finally {
    await client.end();
  }
}

const people = 'from generate_series(1, $2::int) as n';
const statements = [
  `insert into users (id, account_id, name, email)
     select 'PU' || n, $1, 'Person ' || n, 'p' || n || '@example.com' ${people}`,
  `insert into contact_methods (id, account_id, user_id, channel, label, address, verified_at)
     select 'PC' || n, $1, 'PU' || n, 'push', 'Phone', 'bench-' || n, now() ${people}`,
  `insert into notification_rules (id, account_id, user_id, urgency, contact_method_id, start_delay_in_minutes)
     select 'PR' || n, $1, 'PU' || n, 'high', 'PC' || n, 0 ${people}`,
  `insert into escalation_policies (id, account_id, name, rules)
     select 'PE' || n, $1, 'Policy ' || n, jsonb_build_array(
       jsonb_build_object('id', 'PX' || n, 'escalationDelayInMinutes',
         case when n >= ${QUICK_STEP_FROM} then 1 else 30 end,
         'targets', jsonb_build_array(jsonb_build_object('type', 'user', 'id', 'PU' || n))),
       jsonb_build_object('id', 'PY' || n, 'escalationDelayInMinutes', 1,
         'targets', jsonb_build_array(jsonb_build_object('type', 'user', 'id', 'PU' || n)))) ${people}`,
  `insert into services (id, account_id, name, escalation_policy_id)
     select 'PS' || n, $1, 'Service ' || n, 'PE' || n ${people}`,
  `insert into integrations (id, account_id, service_id, name, type, key_hash, rate_limit_per_minute)
     select 'PI' || n, $1, 'PS' || n, 'Bench', 'events_api_v2_inbound_integration',
       encode(sha256(md5('bench-' || n)::bytea), 'hex'), 1000000 ${people}`,
];
