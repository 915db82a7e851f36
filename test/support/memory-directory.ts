import { indexAccount, type Directory } from '../../domain/directory.ts';
import type { AccountConfig, ApiKey, Integration, Service, User } from '../../domain/model.ts';
import { hashKey } from '../../platform/ids.ts';

/** Integration keys of `sampleAccount`, by what they are for. */
export const SAMPLE_KEYS = {
  strict: 'a'.repeat(32),
  lenient: 'b'.repeat(32),
  limited: 'c'.repeat(32),
  disabled: 'd'.repeat(32),
  generic: 'e'.repeat(32),
} as const;

/** REST keys of `sampleAccount`. */
export const SAMPLE_REST_KEYS = {
  account: 'account-key',
  readOnly: 'read-only-key',
  expired: 'expired-key',
  admin: 'admin-key',
  observer: 'observer-key',
  responder: 'responder-key',
} as const;

const integration = (
  name: keyof typeof SAMPLE_KEYS,
  more: Partial<Integration> = {},
): Integration => ({
  id: `PINT${name.toUpperCase()}`,
  serviceId: 'PSERVICE',
  name,
  type: 'events_api_v2_inbound_integration',
  keyHash: hashKey(SAMPLE_KEYS[name]),
  lenient: false,
  rateLimitPerMinute: 10_000,
  mapping: null,
  topicArn: null,
  heartbeatTimeoutSec: null,
  ...more,
});

const service = (id: string, status: Service['status']): Service => ({
  id,
  name: id,
  description: null,
  status,
  escalationPolicyId: 'PPOLICY',
  acknowledgementTimeoutSec: null,
  autoResolveTimeoutSec: null,
  urgencyRule: 'high',
  teamIds: [],
  createdAt: '2026-01-01T00:00:00.000Z',
});

const user = (id: string, role: User['role']): User => ({
  id,
  name: id,
  email: `${id.toLowerCase()}@example.com`,
  timeZone: 'Etc/UTC',
  role,
  jobTitle: null,
  description: null,
  teamIds: [],
  contactMethods: [],
  notificationRules: [],
});

const apiKey = (name: keyof typeof SAMPLE_REST_KEYS, more: Partial<ApiKey> = {}): ApiKey => ({
  id: `PKEY${name.toUpperCase()}`,
  keyHash: hashKey(SAMPLE_REST_KEYS[name]),
  userId: null,
  role: 'admin',
  readOnly: false,
  expiresAt: null,
  ...more,
});

/** An account with one of everything that the api's own tests ask for. */
export function sampleAccount(): AccountConfig {
  return {
    account: {
      id: 'PACCOUNT',
      subdomain: 'sample',
      name: 'Sample',
      timeZone: 'Etc/UTC',
      catchAllUserId: null,
      ownerUserId: 'POWNER',
      requireReplyCodes: false,
    },
    users: [
      user('POWNER', 'owner'),
      user('POBSERVER', 'observer'),
      user('PRESPONDER', 'limited_user'),
    ],
    teams: [],
    schedules: [],
    policies: [
      {
        id: 'PPOLICY',
        name: 'Default',
        description: null,
        numLoops: 0,
        teamIds: [],
        rules: [
          {
            id: 'PRULE',
            escalationDelayInMinutes: 30,
            targets: [{ type: 'user', id: 'POWNER' }],
          },
        ],
      },
    ],
    services: [service('PSERVICE', 'active'), service('PDISABLED', 'disabled')],
    integrations: [
      integration('strict'),
      integration('lenient', { lenient: true }),
      integration('limited', { rateLimitPerMinute: 2 }),
      integration('disabled', { serviceId: 'PDISABLED' }),
      integration('generic', { mapping: { summary: '/title', dedupKey: '/id' } }),
    ],
    apiKeys: [
      apiKey('account'),
      apiKey('readOnly', { readOnly: true }),
      apiKey('expired', { expiresAt: '2026-01-01T00:00:00.000Z' }),
      apiKey('admin', { userId: 'POWNER' }),
      apiKey('observer', { userId: 'POBSERVER', role: 'owner' }),
      apiKey('responder', { userId: 'PRESPONDER' }),
    ],
    version: 1,
  };
}

/** A directory of fixed accounts, always current. */
export function memoryDirectory(configs: readonly AccountConfig[]): Directory {
  const indexes = configs.map(indexAccount);
  return {
    account: (id) => indexes.find(({ account }) => account.id === id),
    accounts: () => indexes,
    integrationByKeyHash: (hash) => {
      for (const index of indexes) {
        const found = index.config.integrations.find(({ keyHash }) => keyHash === hash);
        if (found) return { index, integration: found };
      }
      return undefined;
    },
    apiKeyByHash: (hash) => {
      for (const index of indexes) {
        const found = index.config.apiKeys.find(({ keyHash }) => keyHash === hash);
        if (found) return { index, apiKey: found };
      }
      return undefined;
    },
    contactMethodsByAddress: (address) =>
      indexes.flatMap((index) =>
        index.config.users.flatMap((user) =>
          user.contactMethods
            .filter((method) => method.address === address)
            .map((method) => ({ index, userId: user.id, contactMethodId: method.id })),
        ),
      ),
    ageMs: () => 0,
  };
}
