import type { Knex } from 'knex';

import type { Channel, EscalationRule, ScheduleLayer } from '../domain/model.ts';
import { hashKey, newApiKey, newId, newIntegrationKey } from '../platform/ids.ts';
import { attributeToOperator } from './audit-records.ts';
import type { Database } from './database.ts';
import {
  DEMO_ACCOUNT,
  DEMO_KEYS,
  OPERATIONS_ACCOUNT,
  SEED_RULES,
  type SeedAccount,
} from './seed-accounts.ts';

/** Keys of an account that was seeded just now; they are stored as hashes and told this once. */
export interface SeededAccount {
  readonly subdomain: string;
  /** REST key of the account. */
  readonly apiKey: string;
  readonly integrationKeys: Readonly<Record<string, string>>;
}

const DEMO_API_KEY = `pdl_${DEMO_KEYS.restSecret}_${hashKey(DEMO_KEYS.restSecret).slice(0, 4)}`;
const WEEK_SEC = 7 * 86_400;
// A Monday, 09:00 in Berlin.
const ROTATION_START = '2026-01-05T08:00:00.000Z';

/**
 * Makes the demo account and PD Lite's own, each in one transaction, as the application role. An account
 * that is there already is left as it is, whatever people have made of it.
 * @returns the accounts that it made, with their keys.
 */
export async function seed(database: Database): Promise<readonly SeededAccount[]> {
  const made: SeededAccount[] = [];
  for (const [account, apiKey] of [
    [DEMO_ACCOUNT, DEMO_API_KEY],
    [OPERATIONS_ACCOUNT, newApiKey()],
  ] as const) {
    const seeded = await database.inAccount(account.id, (trx) => seedAccount(trx, account, apiKey));
    if (seeded) made.push(seeded);
  }
  return made;
}

async function seedAccount(
  trx: Knex.Transaction,
  account: SeedAccount,
  apiKey: string,
): Promise<SeededAccount | null> {
  const [owner] = account.people;
  if (!owner) return null;
  const created: unknown[] = await trx('accounts')
    .insert({
      id: account.id,
      subdomain: account.subdomain,
      name: account.name,
      time_zone: account.timeZone,
      owner_user_id: owner.id,
      catch_all_user_id: owner.id,
    })
    .onConflict('id')
    .ignore()
    .returning('id');
  if (created.length === 0) return null;
  await seedPeople(trx, account);
  await seedEscalation(trx, account);
  const integrationKeys = await seedServices(trx, account);
  await trx('api_keys').insert({
    id: newId(),
    account_id: account.id,
    name: 'First key of the account',
    key_hash: hashKey(apiKey),
    role: 'admin',
  });
  await attributeToOperator(trx, account.id, 'seedAccount');
  return { subdomain: account.subdomain, apiKey, integrationKeys };
}

async function seedPeople(trx: Knex.Transaction, account: SeedAccount): Promise<void> {
  const account_id = account.id;
  const verified_at = new Date().toISOString();
  await trx('teams').insert(account.teams.map(({ id, name }) => ({ id, name, account_id })));
  for (const { id, nick, name, role, jobTitle, teamId, phone } of account.people) {
    const email = `${nick}@example.com`;
    const own = { account_id, user_id: id };
    await trx('users').insert({
      ...{ id, account_id, name, email, role },
      job_title: jobTitle,
      time_zone: account.timeZone,
    });
    await trx('team_members').insert({ ...own, team_id: teamId });
    const addresses: Partial<Record<Channel, string>> = { email, push: `pdlite-${nick}` };
    if (phone) Object.assign(addresses, { sms: phone, voice: phone });
    const methodIds = new Map(Object.keys(addresses).map((channel) => [channel, newId()]));
    await trx('contact_methods').insert(
      Object.entries(addresses).map(([channel, address]) => ({
        ...{ ...own, id: methodIds.get(channel), channel, address, verified_at },
        label: channel === 'email' ? 'Work' : 'Mobile',
      })),
    );
    await trx('notification_rules').insert(
      SEED_RULES.filter(({ channel }) => channel in addresses).map(
        ({ urgency, channel, delay }) => ({
          ...{ ...own, id: newId(), urgency },
          contact_method_id: methodIds.get(channel),
          start_delay_in_minutes: delay,
        }),
      ),
    );
  }
}

async function seedEscalation(trx: Knex.Transaction, account: SeedAccount): Promise<void> {
  const { schedule, policy, people } = account;
  const layer: ScheduleLayer = {
    id: newId(),
    name: 'Weekly',
    start: ROTATION_START,
    end: null,
    rotationVirtualStart: ROTATION_START,
    rotationTurnLengthSeconds: WEEK_SEC,
    userIds: people.map(({ id }) => id),
    restrictions: [],
  };
  await trx('schedules').insert({
    ...schedule,
    account_id: account.id,
    time_zone: account.timeZone,
    layers: JSON.stringify([layer]),
  });
  await trx('escalation_policies').insert({
    ...policy,
    account_id: account.id,
    num_loops: 2,
    rules: JSON.stringify(rulesOf(account)),
  });
}

/** First whoever is on call, then the second person, then the owner. */
function rulesOf({ schedule, people }: SeedAccount): readonly EscalationRule[] {
  const [owner, second = owner] = people;
  const targets = [
    { type: 'schedule', id: schedule.id } as const,
    ...[second, owner].flatMap((person) =>
      person ? [{ type: 'user', id: person.id } as const] : [],
    ),
  ];
  return targets.map((target) => ({
    id: newId(),
    escalationDelayInMinutes: 5,
    targets: [target],
  }));
}

async function seedServices(
  trx: Knex.Transaction,
  account: SeedAccount,
): Promise<Record<string, string>> {
  const keys: Record<string, string> = {};
  for (const { id, name, teamId, integrations } of account.services) {
    await trx('services').insert({
      ...{ id, name, account_id: account.id },
      escalation_policy_id: account.policy.id,
      acknowledgement_timeout_sec: 1800,
      auto_resolve_timeout_sec: 14_400,
      urgency_rule: 'severity_based',
      team_ids: [teamId],
    });
    for (const integration of integrations) {
      const key = integration.key ?? newIntegrationKey();
      keys[integration.name] = key;
      await trx('integrations').insert({
        ...{ id: integration.id, name: integration.name, type: integration.type },
        account_id: account.id,
        service_id: id,
        key_hash: hashKey(key),
      });
    }
  }
  return keys;
}
