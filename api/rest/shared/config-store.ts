import { lockAccount } from '../../../db/stores/accounts.ts';
import { schedules } from '../../../db/stores/schedules.ts';
import { escalationPolicies, services } from '../../../db/stores/services.ts';
import type { Table, Trx } from '../../../db/stores/table.ts';
import { teams } from '../../../db/stores/teams.ts';
import { users } from '../../../db/stores/users.ts';
import type { Account } from '../../../domain/model.ts';
import type { Actor } from '../../../domain/permissions.ts';
import { createRefer, type Refer } from './references.ts';
import type { ApiDeps } from '../../deps.ts';
import { invalidInput, notFound } from './rest-error.ts';

/** One reading transaction of the actor's account. */
export interface Reading {
  readonly trx: Trx;
  readonly accountId: string;
  readonly refer: Refer;
  /** When the request was taken up, ISO. */
  readonly now: string;
}

/** One change of configuration; no other change of this account runs beside it. */
export interface Changing extends Reading {
  readonly account: Account;
}

/** Runs the work of a handler in one transaction of the actor's account. */
export interface ConfigStore {
  read<T>(actor: Actor, work: (reading: Reading) => Promise<T>): Promise<T>;
  /** All or nothing; it answers when the change is committed. */
  change<T>(actor: Actor, work: (changing: Changing) => Promise<T>): Promise<T>;
}

export function createConfigStore(deps: ApiDeps): ConfigStore {
  const refer = createRefer(deps.config.PUBLIC_URL);
  const reading = (trx: Trx, accountId: string): Reading => ({
    trx,
    accountId,
    refer,
    now: deps.now().toISOString(),
  });
  return {
    read: ({ accountId }, work) =>
      deps.database.inAccount(accountId, (trx) => work(reading(trx, accountId))),
    change: ({ accountId }, work) =>
      deps.database.inAccount(accountId, async (trx) => {
        const account = await lockAccount(trx, accountId);
        if (!account) throw notFound();
        return await work({ ...reading(trx, accountId), account });
      }),
  };
}

const KINDS = {
  user: users,
  team: teams,
  schedule: schedules,
  escalation_policy: escalationPolicies,
  service: services,
} as const;

/** Refuses references that lead nowhere in this account. @throws RestError 400 that names the field */
export async function requireKnown(
  trx: Trx,
  kind: keyof typeof KINDS,
  ids: readonly string[],
  field: string,
): Promise<void> {
  const wanted = [...new Set(ids)];
  const found = await KINDS[kind].where(trx, 'id', wanted);
  const known = new Set(found.map((item) => item.id));
  const missing = wanted.filter((id) => !known.has(id));
  if (missing.length > 0) {
    throw invalidInput(
      ...missing.slice(0, 20).map((id) => `${field}: no ${kind} has the id ${id}`),
    );
  }
}

/** The item with this id. @throws RestError 404 */
export async function getOr404<T extends { readonly id: string }>(
  trx: Trx,
  table: Table<T>,
  id: string,
): Promise<T> {
  const item = await table.find(trx, id);
  if (!item) throw notFound();
  return item;
}

/** Refuses to delete what others use. @throws RestError 400 */
export function refuseInUse(what: string, uses: readonly string[]): void {
  if (uses.length > 0) {
    throw invalidInput(...uses.slice(0, 20).map((use) => `${what} is used by ${use}`));
  }
}
