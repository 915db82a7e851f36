import { indexAccount, type AccountIndex, type Directory } from '../domain/directory.ts';
import type { AccountConfig } from '../domain/model.ts';

type MethodRef = ReturnType<Directory['contactMethodsByAddress']>[number];

/** The directory's look-ups, changed one account at a time; whoever has a configuration may put it here. */
export class DirectoryMaps {
  readonly #accounts = new Map<string, AccountIndex>();
  readonly #integrations = new Map<string, { index: AccountIndex; id: string }>();
  readonly #apiKeys = new Map<string, { index: AccountIndex; id: string }>();
  readonly #addresses = new Map<string, readonly MethodRef[]>();

  get(accountId: string): AccountIndex | undefined {
    return this.#accounts.get(accountId);
  }

  all(): readonly AccountIndex[] {
    return [...this.#accounts.values()];
  }

  put(config: AccountConfig): void {
    this.remove(config.account.id);
    const index = indexAccount(config);
    this.#accounts.set(config.account.id, index);
    for (const { keyHash, id } of config.integrations) {
      this.#integrations.set(keyHash, { index, id });
    }
    for (const { keyHash, id } of config.apiKeys) this.#apiKeys.set(keyHash, { index, id });
    for (const { address, ref } of verifiedMethods(index)) {
      this.#addresses.set(address, [...(this.#addresses.get(address) ?? []), ref]);
    }
  }

  remove(accountId: string): void {
    const old = this.#accounts.get(accountId);
    if (!old) return;
    this.#accounts.delete(accountId);
    for (const { keyHash } of old.config.integrations) this.#integrations.delete(keyHash);
    for (const { keyHash } of old.config.apiKeys) this.#apiKeys.delete(keyHash);
    for (const { address } of verifiedMethods(old)) this.#forgetAddress(address, accountId);
  }

  integrationByKeyHash: Directory['integrationByKeyHash'] = (hash) => {
    const found = this.#integrations.get(hash);
    const integration = found?.index.integrations.get(found.id);
    return found && integration ? { index: found.index, integration } : undefined;
  };

  apiKeyByHash: Directory['apiKeyByHash'] = (hash) => {
    const found = this.#apiKeys.get(hash);
    const apiKey = found?.index.config.apiKeys.find((key) => key.id === found.id);
    return found && apiKey ? { index: found.index, apiKey } : undefined;
  };

  contactMethodsByAddress: Directory['contactMethodsByAddress'] = (address) =>
    this.#addresses.get(address.toLowerCase()) ?? [];

  #forgetAddress(address: string, accountId: string): void {
    const others = (this.#addresses.get(address) ?? []).filter(
      (ref) => ref.index.account.id !== accountId,
    );
    if (others.length === 0) this.#addresses.delete(address);
    else this.#addresses.set(address, others);
  }
}

// Numbers and e-mail addresses both look the same in lower case. Opted-out methods stay: START must find them.
function verifiedMethods(index: AccountIndex): readonly { address: string; ref: MethodRef }[] {
  return index.config.users.flatMap((user) =>
    user.contactMethods
      .filter((method) => method.verifiedAt !== null)
      .map((method) => ({
        address: method.address.toLowerCase(),
        ref: { index, userId: user.id, contactMethodId: method.id },
      })),
  );
}
