import pg from 'pg';

import { hashKey } from '../../platform/ids.ts';
import type { Population } from './population.ts';

/** Writes the population into the product's database, as superuser, in one transaction. */
export async function populate(superuserUrl: string, population: Population): Promise<void> {
  const url = new URL(superuserUrl);
  url.pathname = '/pdlite';
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    await client.query('begin');
    for (const [statement, rows] of statementsFor(population))
      await client.query(statement, [JSON.stringify(rows)]);
    await client.query('commit');
  } finally {
    await client.end();
  }
}

function accountId(n: number): string {
  return `PCHAOS${String(n).padStart(8, '0')}`;
}

/** Each statement takes its rows as one JSON array. */
function statementsFor(population: Population): readonly (readonly [string, unknown])[] {
  const { accounts, people, services } = population;
  const methods = people.flatMap(({ name, account, addresses }) =>
    Object.entries(addresses).map(([channel, address]) => {
      const id = `C${channel}-${name}`;
      return { id, account: accountId(account), person: name, channel, address };
    }),
  );
  return [
    [ACCOUNTS, accounts.map((one, n) => ({ ...one, id: accountId(n) }))],
    [USERS, people.map(({ name, account }) => userRow(name, accountId(account), population))],
    [API_KEYS, accounts.map(({ apiKey }, n) => ({ account: accountId(n), hash: hashKey(apiKey) }))],
    [METHODS, methods],
    [RULES, methods],
    [
      POLICIES,
      services.map(({ name, account, steps }) => {
        const rules = steps.map((person, n) => ruleOf(`R${n}-${name}`, person, population.stepMs));
        return { id: `E-${name}`, account: accountId(account), name, rules };
      }),
    ],
    [SERVICES, services.map(({ name, account }) => ({ name, account: accountId(account) }))],
    [
      INTEGRATIONS,
      services.map(({ name, account, routingKey }) => {
        return { name, account: accountId(account), hash: hashKey(routingKey) };
      }),
    ],
  ];
}

function userRow(name: string, account: string, { accounts }: Population) {
  const role = accounts.some(({ owner }) => owner === name) ? 'owner' : 'user';
  return { name, account, role, email: `${name}@people.test` };
}

function ruleOf(id: string, person: string, stepMs: number) {
  const targets = [{ type: 'user', id: person }];
  return { id, escalationDelayInMinutes: stepMs / 60_000, targets };
}

const ACCOUNTS = `
  insert into accounts (id, subdomain, name, owner_user_id, catch_all_user_id)
  select id, subdomain, subdomain, owner, owner
  from jsonb_to_recordset($1) as row (id text, subdomain text, owner text)`;
const USERS = `
  insert into users (id, account_id, name, email, role)
  select name, account, name, email, role
  from jsonb_to_recordset($1) as row (name text, account text, email text, role text)`;
const API_KEYS = `
  insert into api_keys (id, account_id, name, role, key_hash)
  select 'K-' || account, account, 'Chaos', 'admin', hash
  from jsonb_to_recordset($1) as row (account text, hash text)`;
const METHODS = `
  insert into contact_methods (id, account_id, user_id, channel, label, address, verified_at)
  select id, account, person, channel, channel, address, now()
  from jsonb_to_recordset($1)
    as row (id text, account text, person text, channel text, address text)`;
const RULES = `
  insert into notification_rules (id, account_id, user_id, urgency, contact_method_id, start_delay_in_minutes)
  select 'N-' || id, account, person, 'high', id, 0
  from jsonb_to_recordset($1) as row (id text, account text, person text)`;
const POLICIES = `
  insert into escalation_policies (id, account_id, name, rules, num_loops)
  select id, account, name, rules, 0
  from jsonb_to_recordset($1) as row (id text, account text, name text, rules jsonb)`;
const SERVICES = `
  insert into services (id, account_id, name, escalation_policy_id)
  select 'S-' || name, account, name, 'E-' || name
  from jsonb_to_recordset($1) as row (name text, account text)`;
const INTEGRATIONS = `
  insert into integrations (id, account_id, service_id, name, type, key_hash, rate_limit_per_minute)
  select 'I-' || name, account, 'S-' || name, 'Chaos', 'events_api_v2_inbound_integration', hash, 1000000
  from jsonb_to_recordset($1) as row (name text, account text, hash text)`;
