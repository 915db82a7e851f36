import { apiKeys } from '../../db/stores/api-keys.ts';
import { users } from '../../db/stores/users.ts';
import type { Role } from '../../domain/model.ts';
import { ROLE_PERMISSIONS, type Actor } from '../../domain/permissions.ts';
import { hashKey, newApiKey, newId } from '../../platform/ids.ts';
import type { IncidentApi } from './incident-api.ts';

/** How somebody asks: a key in some form, and whom the rules take that for; null for nobody. */
export interface Credential {
  readonly name: string;
  readonly authorization: string | undefined;
  readonly actor: Actor | null;
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}

export interface Answered {
  readonly status: number;
  readonly body: unknown;
}

/** Used in turn, because each has its limit of requests a minute. */
const OWNER_KEYS = 6;

/** An account with a key for everybody whom the rules tell apart, and objects made through its own api. */
export class AuthorizationWorld {
  readonly accountId: string;
  readonly ownerId: string;
  /** One for each role and kind of key, read-only ones, and those that must count for nothing. */
  readonly credentials: Credential[] = [];
  /** How many incidents were started here. */
  started = 0;
  readonly #api: IncidentApi;
  readonly #from: string;
  readonly #owners: string[] = [];
  #asked = 0;

  constructor(api: IncidentApi, subdomain: string) {
    const index = api.directory.accounts().find(({ account }) => account.subdomain === subdomain);
    if (!index) throw new Error(`no account ${subdomain}`);
    this.#api = api;
    this.accountId = index.account.id;
    this.ownerId = index.account.ownerUserId;
    this.#from = index.users.get(this.ownerId)?.email ?? '';
  }

  async addKeys(): Promise<void> {
    while (this.#owners.length < OWNER_KEYS)
      this.#owners.push(await this.#key('owner', { userId: this.ownerId, counts: false }));
    for (const role of Object.keys(ROLE_PERMISSIONS) as Role[]) {
      await this.#key(role, { userId: null });
      await this.#key(role, { userId: role === 'owner' ? this.ownerId : await this.#user(role) });
    }
    await this.#key('owner', { userId: null, readOnly: true });
    await this.#key('owner', { userId: this.ownerId, readOnly: true });
    await this.#addRefused();
    await this.#api.directory.refresh();
  }

  /** Keys that are missing, not keys at all, or good no longer; the real one shows that only its form is wrong. */
  async #addRefused(): Promise<void> {
    const real = this.#owners[0] ?? '';
    const expired = await this.#key('owner', {
      userId: null,
      counts: false,
      expiresAt: new Date(Date.now() - 1000).toISOString(),
    });
    const revoked = await this.#key('owner', { userId: null, counts: false });
    await this.#api.database.inAccount(this.accountId, async (trx) => {
      const [row] = await apiKeys.where(trx, 'key_hash', [hashKey(revoked)]);
      await apiKeys.remove(trx, row?.id ?? '');
    });
    const refused: Record<string, string | undefined> = {
      'no key': undefined,
      'an empty key': 'Token token=',
      'a key without its scheme': real,
      'a key of another scheme': `Token ${real}`,
      'a key with more behind it': `Bearer ${real} ${real}`,
      'basic authentication': `Basic ${Buffer.from(`${real}:`).toString('base64')}`,
      'an unknown key': `Token token=${newApiKey()}`,
      'an expired key': `Token token=${expired}`,
      'a revoked key': `Token token=${revoked}`,
    };
    for (const [name, authorization] of Object.entries(refused))
      this.credentials.push({ name, authorization, actor: null });
  }

  async #user(role: Role): Promise<string> {
    const id = newId();
    await this.#api.database.inAccount(this.accountId, (trx) =>
      users.insert(trx, this.accountId, {
        ...{ id, role, name: role, email: `${role}-${id}@example.com`.toLowerCase() },
        ...{ timeZone: 'Etc/UTC', jobTitle: null, description: null },
      }),
    );
    return id;
  }

  async #key(
    role: Role,
    options: {
      readonly userId: string | null;
      readonly readOnly?: boolean;
      readonly expiresAt?: string;
      /** False: not among the credentials. */
      readonly counts?: boolean;
    },
  ): Promise<string> {
    const { userId, readOnly = false, expiresAt = null, counts = true } = options;
    const [id, key] = [newId(), newApiKey()];
    // A user's key says another role than the user has, and must not be believed.
    const written: Role = userId === null ? role : role === 'owner' ? 'observer' : 'owner';
    await this.#api.database.inAccount(this.accountId, (trx) =>
      apiKeys.insert(trx, this.accountId, {
        ...{ id, name: role, keyHash: hashKey(key), userId, role: written, readOnly, expiresAt },
        createdAt: new Date().toISOString(),
      }),
    );
    const name = `${readOnly ? 'a read-only' : 'the'} key of ${userId === null ? 'the account as' : 'the user with the role'} ${role}`;
    const actor = { accountId: this.accountId, userId, keyId: id, role, readOnly };
    if (counts) this.credentials.push({ name, authorization: `Token token=${key}`, actor });
    return key;
  }

  /** Asks as this credential; on behalf of the owner where the key is the account's. */
  async ask({ method, path, body }: Asked, authorization?: string): Promise<Answered> {
    const response = await fetch(this.#api.url + path, {
      method,
      headers: {
        'content-type': 'application/json',
        from: this.#from,
        ...(authorization === undefined ? {} : { authorization }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const starts = path === '/incidents' || path === '/v2/enqueue';
    if (method === 'POST' && starts && response.ok) this.started += 1;
    return { status: response.status, body: text === '' ? null : JSON.parse(text) };
  }

  asOwner(asked: Asked): Promise<Answered> {
    this.#asked += 1;
    return this.ask(asked, `Token token=${this.#owners[this.#asked % OWNER_KEYS] ?? ''}`);
  }

  /** Everything that the account has but what workflows project and what is only ever added. */
  async fingerprint(): Promise<string> {
    return this.#api.database.inAccount(this.accountId, async (trx) => {
      const { rows: tables } = await trx.raw<{ rows: { name: string }[] }>(
        `select relname as name from pg_class
          where relkind = 'r' and relrowsecurity and has_table_privilege(oid, 'select')
            and relname !~ '^(incident|log_entries|audit)'
          order by 1`,
      );
      const sums = tables.map(
        ({ name }) =>
          `select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) from "${name}" t`,
      );
      const { rows } = await trx.raw<{ rows: unknown[] }>(sums.join(' union all '));
      return JSON.stringify(rows);
    });
  }
}
