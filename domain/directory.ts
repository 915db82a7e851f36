import type {
  Account,
  AccountConfig,
  ApiKey,
  EscalationPolicy,
  Integration,
  Schedule,
  Service,
  User,
} from './model.ts';

/** One account with look-ups by id; made once for each version of its configuration. */
export interface AccountIndex {
  readonly account: Account;
  readonly version: number;
  readonly config: AccountConfig;
  readonly users: ReadonlyMap<string, User>;
  readonly schedules: ReadonlyMap<string, Schedule>;
  readonly policies: ReadonlyMap<string, EscalationPolicy>;
  readonly services: ReadonlyMap<string, Service>;
  readonly integrations: ReadonlyMap<string, Integration>;
}

/**
 * The configuration of all accounts in this process's memory. Every method answers at once and never
 * touches the network; `db/directory` keeps it fresh.
 */
export interface Directory {
  account(accountId: string): AccountIndex | undefined;
  accounts(): readonly AccountIndex[];
  integrationByKeyHash(
    hash: string,
  ): { readonly index: AccountIndex; readonly integration: Integration } | undefined;
  apiKeyByHash(hash: string): { readonly index: AccountIndex; readonly apiKey: ApiKey } | undefined;
  /** Verified methods with this address, over all accounts. `address` in E.164 or lower-case e-mail. */
  contactMethodsByAddress(address: string): readonly {
    readonly index: AccountIndex;
    readonly userId: string;
    readonly contactMethodId: string;
  }[];
  /** Milliseconds since the last proof that this copy is current. */
  ageMs(): number;
}

export function indexAccount(config: AccountConfig): AccountIndex {
  return {
    account: config.account,
    version: config.version,
    config,
    users: byId(config.users),
    schedules: byId(config.schedules),
    policies: byId(config.policies),
    services: byId(config.services),
    integrations: byId(config.integrations),
  };
}

function byId<T extends { readonly id: string }>(items: readonly T[]): ReadonlyMap<string, T> {
  return new Map(items.map((item) => [item.id, item]));
}
