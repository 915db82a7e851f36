import { newId } from '../../platform/ids.ts';
import type { AuthorizationWorld } from './authorization-world.ts';
import { at, type IncidentApi } from './incident-api.ts';

/** Kinds of ids that requests name; `code` is a verification code, which belongs to a contact method. */
export const KINDS = [
  'userId',
  'methodId',
  'ruleId',
  'teamId',
  'memberId',
  'scheduleId',
  'overrideId',
  'policyId',
  'serviceId',
  'integrationId',
  'keyId',
  'incidentId',
  'sourceId',
  'alertId',
  'entryId',
  'code',
] as const;
export type Kind = (typeof KINDS)[number];
/** One object of each kind, all of one account. */
export type Ids = Readonly<Record<Kind, string>>;

/** Makes objects of one account through its own api, as its owner. */
export class AuthorizationObjects {
  readonly #world: AuthorizationWorld;
  readonly #api: IncidentApi;
  readonly #codes: readonly { readonly code: string }[];
  #seq = 0;

  /** `codes` are the verification codes that the api has sent, latest last. */
  constructor(
    world: AuthorizationWorld,
    api: IncidentApi,
    codes: readonly { readonly code: string }[],
  ) {
    this.#world = world;
    this.#api = api;
    this.#codes = codes;
  }

  /** One of everything. */
  async all(): Promise<Ids> {
    return this.renewed(KINDS, Object.fromEntries(KINDS.map((kind) => [kind, ''])) as Ids);
  }

  /** The same with new objects of these kinds; each belongs to those before it. */
  async renewed(kinds: readonly Kind[], base: Ids): Promise<Ids> {
    let ids = base;
    for (const kind of kinds) ids = { ...ids, [kind]: await this.#makers[kind](ids) };
    return ids;
  }

  readonly #makers: Readonly<Record<Kind, (ids: Ids) => Promise<string>>> = {
    userId: () => this.#create('/users', 'user', { email: `u-${newId()}@example.com` }),
    methodId: ({ userId }) =>
      this.#create(`/users/${userId}/contact_methods`, 'contact_method', {
        ...{ type: 'email_contact_method', label: 'Mail', address: `m-${newId()}@example.com` },
      }),
    ruleId: ({ userId, methodId }) =>
      this.#create(`/users/${userId}/notification_rules`, 'notification_rule', {
        ...{ start_delay_in_minutes: 1, urgency: 'high', contact_method: { id: methodId } },
      }),
    teamId: () => this.#create('/teams', 'team', {}),
    memberId: async (ids) => {
      const id = await this.#makers.userId(ids);
      await this.#world.asOwner({ method: 'PUT', path: `/teams/${ids.teamId}/users/${id}` });
      return id;
    },
    scheduleId: ({ userId }) => this.#create('/schedules', 'schedule', schedule(userId)),
    overrideId: ({ scheduleId, userId }) =>
      this.#create(`/schedules/${scheduleId}/overrides`, 'override', override(userId)),
    policyId: ({ userId }) =>
      this.#create('/escalation_policies', 'escalation_policy', {
        escalation_rules: [{ escalation_delay_in_minutes: 5, targets: [user(userId)] }],
      }),
    serviceId: ({ policyId }) =>
      this.#create('/services', 'service', { escalation_policy: { id: policyId } }),
    integrationId: ({ serviceId }) =>
      this.#create(`/services/${serviceId}/integrations`, 'integration', {}),
    keyId: () => this.#create('/api_keys', 'api_key', { role: 'observer' }),
    incidentId: (ids) => this.#incident(ids),
    sourceId: async ({ serviceId }) => {
      await this.#api.directory.refresh();
      const incident = { title: 'Source', service: { id: serviceId } };
      return this.#create('/incidents', 'incident', incident);
    },
    alertId: async ({ incidentId }) => {
      const path = `/incidents/${incidentId}/alerts`;
      const { body } = await this.#world.asOwner({ method: 'GET', path });
      return String(at(body, 'alerts', '0', 'id'));
    },
    entryId: ({ incidentId }) => Promise.resolve(`${incidentId}-1`),
    code: async ({ userId, methodId }) => {
      const path = `/users/${userId}/contact_methods/${methodId}/verification`;
      await this.#world.asOwner({ method: 'POST', path });
      return this.#codes.at(-1)?.code ?? '';
    },
  };

  async #create(path: string, type: string, fields: object): Promise<string> {
    const body = { [type]: { name: `${type} ${(this.#seq += 1)}`, ...fields } };
    const answer = await this.#world.asOwner({ method: 'POST', path, body });
    const id = at(answer.body, type, 'id');
    if (typeof id !== 'string') throw new Error(`${path}: ${JSON.stringify(answer)}`);
    return id;
  }

  /** As an alert makes one: by an event with the key of an integration. */
  async #incident({ serviceId }: Ids): Promise<string> {
    const path = `/services/${serviceId}/integrations`;
    const made = await this.#world.asOwner({ method: 'POST', path, body: { integration: {} } });
    await this.#api.directory.refresh();
    const dedupKey = newId();
    const event = {
      routing_key: at(made.body, 'integration', 'integration_key'),
      ...{ event_action: 'trigger', dedup_key: dedupKey },
      payload: { summary: 'Disk full', source: 'db', severity: 'critical' },
    };
    await this.#world.ask({ method: 'POST', path: '/v2/enqueue', body: event });
    for (;;) {
      const list = `/incidents?incident_key=${dedupKey}`;
      const { body } = await this.#world.asOwner({ method: 'GET', path: list });
      const id = at(body, 'incidents', '0', 'id');
      if (typeof id === 'string') return id;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}

/** A reference to a user. */
export function user(id: string) {
  return { id, type: 'user_reference' };
}

/** A weekly schedule with this user alone. */
export function schedule(userId: string) {
  const start = '2026-01-01T00:00:00Z';
  return {
    time_zone: 'Etc/UTC',
    schedule_layers: [
      {
        ...{ start, rotation_virtual_start: start, rotation_turn_length_seconds: 604_800 },
        users: [{ user: user(userId) }],
      },
    ],
  };
}

/** An override by this user, tomorrow. */
export function override(userId: string) {
  const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();
  return { start: day(1), end: day(2), user: user(userId) };
}
