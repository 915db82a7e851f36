import type { Channel, IntegrationType, Role, Urgency } from '../domain/model.ts';

/** A whole account in few words; `seed` makes rows of it. */
export interface SeedAccount {
  readonly id: string;
  readonly subdomain: string;
  readonly name: string;
  readonly timeZone: string;
  readonly teams: readonly { readonly id: string; readonly name: string }[];
  /** The first is the owner, and the catch-all. */
  readonly people: readonly SeedPerson[];
  readonly schedule: { readonly id: string; readonly name: string };
  readonly policy: { readonly id: string; readonly name: string };
  readonly services: readonly SeedService[];
}

interface SeedPerson {
  readonly id: string;
  /** First name in lower case: makes the address and the push topic. */
  readonly nick: string;
  readonly name: string;
  readonly role: Role;
  readonly jobTitle: string;
  readonly teamId: string;
  readonly phone: string | null;
}

interface SeedService {
  readonly id: string;
  readonly name: string;
  readonly teamId: string;
  readonly integrations: readonly {
    readonly id: string;
    readonly name: string;
    readonly type: IntegrationType;
    /** Null: a new one is made and told once. */
    readonly key: string | null;
  }[];
}

/** How every seeded person wants to be told; `delay` in minutes. */
export const SEED_RULES: readonly {
  readonly urgency: Urgency;
  readonly channel: Channel;
  readonly delay: number;
}[] = [
  { urgency: 'high', channel: 'push', delay: 0 },
  { urgency: 'high', channel: 'sms', delay: 0 },
  { urgency: 'high', channel: 'email', delay: 0 },
  { urgency: 'high', channel: 'voice', delay: 1 },
  { urgency: 'low', channel: 'email', delay: 0 },
];

/**
 * Keys of the demo account, the same everywhere, so that documents and `npm start` can print commands that
 * work. They page invented people only; no other account ever has a fixed key.
 */
export const DEMO_KEYS = {
  eventsV2: 'd3m0d3m0d3m0d3m0d3m0d3m0d3m0d3m0',
  alertmanager: 'd3m0a1e27d3m0a1e27d3m0a1e27d3m0a',
  generic: 'd3m06e4e21cd3m06e4e21cd3m06e4e21',
  restSecret: 'OnlyForTheDemoAccountOfPdLite00000000000000',
} as const;

export const DEMO_ACCOUNT: SeedAccount = {
  id: 'PDEMO000000000',
  subdomain: 'demo',
  name: 'Acme',
  timeZone: 'Europe/Berlin',
  teams: [
    { id: 'PTEAMSHOP00000', name: 'Shop' },
    { id: 'PTEAMPLATFORM0', name: 'Platform' },
  ],
  people: [
    {
      id: 'PUSERADA000000',
      nick: 'ada',
      name: 'Ada Lovelace',
      role: 'owner',
      jobTitle: 'Head of engineering',
      teamId: 'PTEAMPLATFORM0',
      phone: '+15005550101',
    },
    {
      id: 'PUSERGRACE0000',
      nick: 'grace',
      name: 'Grace Hopper',
      role: 'admin',
      jobTitle: 'Platform lead',
      teamId: 'PTEAMPLATFORM0',
      phone: '+15005550102',
    },
    {
      id: 'PUSERALAN00000',
      nick: 'alan',
      name: 'Alan Turing',
      role: 'user',
      jobTitle: 'Shop developer',
      teamId: 'PTEAMSHOP00000',
      phone: '+15005550103',
    },
    {
      id: 'PUSERKATHERIN0',
      nick: 'katherine',
      name: 'Katherine Johnson',
      role: 'limited_user',
      jobTitle: 'Shop developer',
      teamId: 'PTEAMSHOP00000',
      phone: '+15005550104',
    },
  ],
  schedule: { id: 'PSCHEDULE00000', name: 'Weekly on-call' },
  policy: { id: 'PPOLICY0000000', name: 'Everybody in turn' },
  services: [
    {
      id: 'PSERVICESHOP00',
      name: 'Checkout',
      teamId: 'PTEAMSHOP00000',
      integrations: [
        {
          id: 'PINTEVENTS0000',
          name: 'Events API v2',
          type: 'events_api_v2_inbound_integration',
          key: DEMO_KEYS.eventsV2,
        },
        {
          id: 'PINTGENERIC000',
          name: 'Generic JSON',
          type: 'generic_json_inbound_integration',
          key: DEMO_KEYS.generic,
        },
      ],
    },
    {
      id: 'PSERVICEPLATF0',
      name: 'Platform',
      teamId: 'PTEAMPLATFORM0',
      integrations: [
        {
          id: 'PINTALERTMAN00',
          name: 'Alertmanager',
          type: 'alertmanager_inbound_integration',
          key: DEMO_KEYS.alertmanager,
        },
      ],
    },
  ],
};

/** PD Lite's own incidents: an account like any other, with keys made on the spot. */
export const OPERATIONS_ACCOUNT: SeedAccount = {
  id: 'POPERATIONS000',
  subdomain: 'pdlite-operations',
  name: 'PD Lite operations',
  timeZone: 'Etc/UTC',
  teams: [{ id: 'PTEAMOPS000000', name: 'Operations' }],
  people: [
    {
      id: 'PUSEROPS000000',
      nick: 'operator',
      name: 'Operator',
      role: 'owner',
      jobTitle: 'Runs PD Lite',
      teamId: 'PTEAMOPS000000',
      phone: null,
    },
  ],
  schedule: { id: 'PSCHEDULEOPS00', name: 'Operations on-call' },
  policy: { id: 'PPOLICYOPS0000', name: 'Operations' },
  services: [
    {
      id: 'PSERVICEOPS000',
      name: 'PD Lite',
      teamId: 'PTEAMOPS000000',
      integrations: [
        {
          id: 'PINTOPS0000000',
          name: 'Own alerts',
          type: 'events_api_v2_inbound_integration',
          key: null,
        },
      ],
    },
  ],
};
