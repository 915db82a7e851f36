import { createHash } from 'node:crypto';

import pg from 'pg';

/** The account of everybody in the bench, but for those of QUIET. */
export const ACCOUNT = 'PBENCH00000000';
/** Another account, to see what it feels of the first one's load. */
const QUIET = 'PQUIET00000000';
/** People of the other account. */
export const QUIET_PEOPLE = 20;

/** The integration key of bench person `n`; each person has a service of their own. */
export function routingKey(n: number): string {
  return createHash('md5').update(`P-${n}`).digest('hex');
}

/** The same of the other account's people. */
export function quietRoutingKey(n: number): string {
  return createHash('md5').update(`Q-${n}`).digest('hex');
}

/** The policies of people from this one on page a second time after a minute; the others after half an hour. */
export const QUICK_STEP_FROM = 981;

/**
 * Makes an account with `count` people, and another with few: each with a verified push topic, a rule at once, a
 * policy of two rules that both lead to them, a service and an integration. As superuser, in one transaction.
 */
export async function populate(superuserUrl: string, count: number): Promise<void> {
  const url = new URL(superuserUrl);
  url.pathname = '/pdlite';
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    await client.query('begin');
    await insert(client, { account: ACCOUNT, letter: 'P', count });
    await insert(client, { account: QUIET, letter: 'Q', count: QUIET_PEOPLE });
    await client.query('commit');
  } finally {
    await client.end();
  }
}

interface Group {
  readonly account: string;
  /** First of all its ids. */
  readonly letter: string;
  readonly count: number;
}

async function insert(client: pg.Client, { account, letter, count }: Group): Promise<void> {
  for (const statement of statementsOf(letter)) await client.query(statement, [account, count]);
}

const people = 'from generate_series(1, $2::int) as n';
const statementsOf = (letter: string): readonly string[] => [
  `insert into accounts (id, subdomain, name, owner_user_id)
     select $1, lower($1), $1, '${letter}U1' where $2::int > 0`,
  `insert into users (id, account_id, name, email)
     select '${letter}U' || n, $1, 'Person ' || n, lower('${letter}') || n || '@example.com' ${people}`,
  `insert into contact_methods (id, account_id, user_id, channel, label, address, verified_at)
     select '${letter}C' || n, $1, '${letter}U' || n, 'push', 'Phone', '${letter}-' || n, now() ${people}`,
  `insert into notification_rules (id, account_id, user_id, urgency, contact_method_id, start_delay_in_minutes)
     select '${letter}R' || n, $1, '${letter}U' || n, 'high', '${letter}C' || n, 0 ${people}`,
  `insert into escalation_policies (id, account_id, name, rules)
     select '${letter}E' || n, $1, 'Policy ' || n, jsonb_build_array(
       jsonb_build_object('id', '${letter}X' || n, 'escalationDelayInMinutes',
         case when n >= ${QUICK_STEP_FROM} then 1 else 30 end,
         'targets', jsonb_build_array(jsonb_build_object('type', 'user', 'id', '${letter}U' || n))),
       jsonb_build_object('id', '${letter}Y' || n, 'escalationDelayInMinutes', 1,
         'targets', jsonb_build_array(jsonb_build_object('type', 'user', 'id', '${letter}U' || n)))) ${people}`,
  `insert into services (id, account_id, name, escalation_policy_id)
     select '${letter}S' || n, $1, 'Service ' || n, '${letter}E' || n ${people}`,
  `insert into integrations (id, account_id, service_id, name, type, key_hash, rate_limit_per_minute)
     select '${letter}I' || n, $1, '${letter}S' || n, 'Bench', 'events_api_v2_inbound_integration',
       encode(sha256(md5('${letter}-' || n)::bytea), 'hex'), 1000000 ${people}`,
];
