import type { Knex } from 'knex';

import type { Database } from '../../db/database.ts';
import type { Channel } from '../../domain/model.ts';
import { hashKey, newApiKey, newId, newIntegrationKey } from '../../platform/ids.ts';

/** A person and a service whose alerts page them; the names of both are the key in `People`. */
export interface PersonSpec {
  /** Contact methods that a high-urgency page uses at once, in this order; push, sms and email unless given. */
  readonly methods?: readonly Channel[];
  /** A rule that starts so many minutes later, after the methods above. */
  readonly later?: readonly { readonly channel: Channel; readonly minutes: number }[];
  /** Those of the methods that nobody has verified. */
  readonly unverified?: readonly Channel[];
  /** URL of the webhook method. */
  readonly webhook?: string;
  /** Who is asked a minute after this person. */
  readonly backup?: string;
  /** `nobody`: the service's policy leads to a schedule without anybody in it. */
  readonly onCall?: 'nobody';
  /** Name of the account; `smoke` unless given. */
  readonly account?: string;
}

export type PeopleSpec = Readonly<Record<string, PersonSpec>>;

export interface SeededPerson {
  readonly account: string;
  readonly userId: string;
  readonly email: string;
  readonly phone: string;
  readonly topic: string;
  readonly webhookSecret: string;
  readonly methodIds: Readonly<Partial<Record<Channel, string>>>;
  readonly serviceId: string;
  readonly policyId: string;
  /** Of the service's Events API v2, Alertmanager and generic integrations. */
  readonly keys: {
    readonly events: string;
    readonly alertmanager: string;
    readonly generic: string;
  };
}

export interface SeededAccounts {
  readonly people: ReadonlyMap<string, SeededPerson>;
  /** Account keys by the account's name, with the role of an admin. */
  readonly apiKeys: ReadonlyMap<string, string>;
}

const VERIFIED = '2026-01-01T00:00:00.000Z';

/** Writes the accounts, as the application role. Each has an owner (`{account}-owner`), who is the catch-all. */
export async function seedSmokeAccounts(
  database: Database,
  spec: PeopleSpec,
): Promise<SeededAccounts> {
  const byAccount = Map.groupBy(Object.entries(spec), ([, one]) => one.account ?? 'smoke');
  const people = new Map<string, SeededPerson>();
  const apiKeys = new Map<string, string>();
  let nextPhone = 1;
  for (const [account, members] of byAccount) {
    const apiKey = newApiKey();
    apiKeys.set(account, apiKey);
    const ownerName = `${account}-owner`;
    const all: [string, PersonSpec][] = [[ownerName, { methods: ['push'] }], ...members];
    const drawn = new Map(all.map(([name]) => [name, draw(account, name, nextPhone++)]));
    for (const [name, person] of drawn) people.set(name, person);
    const accountId = newId();
    await database.inAccount(accountId, async (trx) => {
      await seedAccount(trx, { accountId, account, apiKey, ownerId: idOf(drawn, ownerName) });
      for (const [name, one] of all) await seedPerson(trx, accountId, { name, one, drawn });
      for (const [name, one] of all) await seedService(trx, accountId, { name, one, drawn });
    });
  }
  return { people, apiKeys };
}

interface Member {
  readonly name: string;
  readonly one: PersonSpec;
  readonly drawn: ReadonlyMap<string, SeededPerson>;
}

function draw(account: string, name: string, number: number): SeededPerson {
  return {
    ...{ account, userId: newId(), email: `${name}@people.test`, topic: `topic-${name}` },
    phone: `+1500555${String(1000 + number)}`,
    webhookSecret: `webhook-secret-of-${name}`,
    methodIds: { push: newId(), sms: newId(), email: newId(), voice: newId(), webhook: newId() },
    ...{ serviceId: newId(), policyId: newId() },
    keys: {
      events: newIntegrationKey(),
      alertmanager: newIntegrationKey(),
      generic: newIntegrationKey(),
    },
  };
}

function idOf(drawn: ReadonlyMap<string, SeededPerson>, name: string): string {
  const person = drawn.get(name);
  if (!person) throw new Error(`nobody is called ${name}`);
  return person.userId;
}

async function seedAccount(
  trx: Knex.Transaction,
  given: {
    readonly accountId: string;
    readonly account: string;
    readonly apiKey: string;
    readonly ownerId: string;
  },
): Promise<void> {
  const { accountId, account, apiKey, ownerId } = given;
  await trx('accounts').insert({
    ...{ id: accountId, subdomain: account, name: account, time_zone: 'Etc/UTC' },
    ...{ owner_user_id: ownerId, catch_all_user_id: ownerId },
  });
  await trx('api_keys').insert({
    ...{ id: newId(), account_id: accountId, name: 'Smoke', role: 'admin' },
    key_hash: hashKey(apiKey),
  });
}

async function seedPerson(
  trx: Knex.Transaction,
  account_id: string,
  { name, one, drawn }: Member,
): Promise<void> {
  const person = drawn.get(name);
  if (!person) return;
  const { userId: user_id, email, phone, topic, methodIds } = person;
  const role = name.endsWith('-owner') ? 'owner' : 'user';
  await trx('users').insert({ id: user_id, account_id, name, email, role, time_zone: 'Etc/UTC' });
  const addresses = { push: topic, sms: phone, voice: phone, email, webhook: one.webhook ?? '' };
  const first = one.methods ?? ['push', 'sms', 'email'];
  const rules = [
    ...first.map((channel) => ({ channel, minutes: 0 })),
    ...(one.later ?? []).map(({ channel, minutes }) => ({ channel, minutes })),
  ];
  for (const channel of new Set(rules.map((rule) => rule.channel)))
    await trx('contact_methods').insert({
      ...{ id: methodIds[channel], account_id, user_id, channel, label: channel },
      address: addresses[channel],
      secret: channel === 'webhook' ? person.webhookSecret : null,
      verified_at: one.unverified?.includes(channel) ? null : VERIFIED,
    });
  for (const { channel, minutes } of rules)
    await trx('notification_rules').insert({
      ...{ id: newId(), account_id, user_id, urgency: 'high', start_delay_in_minutes: minutes },
      contact_method_id: methodIds[channel],
    });
}

async function seedService(
  trx: Knex.Transaction,
  account_id: string,
  { name, one, drawn }: Member,
): Promise<void> {
  const person = drawn.get(name);
  if (!person) return;
  const own = { type: 'user', id: person.userId };
  const empty = { type: 'schedule', id: newId() };
  const targets = [
    one.onCall === 'nobody' ? empty : own,
    ...(one.backup === undefined ? [] : [{ type: 'user', id: idOf(drawn, one.backup) }]),
  ];
  if (one.onCall === 'nobody')
    await trx('schedules').insert({
      ...{ id: empty.id, account_id, name: `Nobody for ${name}`, time_zone: 'Etc/UTC' },
      layers: '[]',
    });
  const rules = targets.map((target) => ({
    ...{ id: newId(), escalationDelayInMinutes: one.backup === undefined ? 30 : 1 },
    targets: [target],
  }));
  await trx('escalation_policies').insert({
    ...{ id: person.policyId, account_id, name: `Policy of ${name}`, num_loops: 0 },
    rules: JSON.stringify(rules),
  });
  await trx('services').insert({
    ...{ id: person.serviceId, account_id, name, escalation_policy_id: person.policyId },
    ...{ acknowledgement_timeout_sec: null, auto_resolve_timeout_sec: null, urgency_rule: 'high' },
  });
  for (const [kind, key] of Object.entries(person.keys))
    await trx('integrations').insert({
      ...{ id: newId(), account_id, service_id: person.serviceId, name: kind },
      type: TYPES[kind],
      key_hash: hashKey(key),
    });
}

const TYPES: Readonly<Record<string, string>> = {
  events: 'events_api_v2_inbound_integration',
  alertmanager: 'alertmanager_inbound_integration',
  generic: 'generic_json_inbound_integration',
};
