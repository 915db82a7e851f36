import { insertAuditRecords } from '../../../db/audit-records.ts';
import { lockAccount } from '../../../db/stores/accounts.ts';
import { schedules } from '../../../db/stores/schedules.ts';
import { escalationPolicies, services } from '../../../db/stores/services.ts';
import type { Table, Trx } from '../../../db/stores/table.ts';
import { teams } from '../../../db/stores/teams.ts';
import { users } from '../../../db/stores/users.ts';
import type { Account } from '../../../domain/model.ts';
import type { Actor } from '../../../domain/permissions.ts';
import { actorFields, recordOf, type Requester } from '../../origin.ts';
import { createRefer, type Refer } from './references.ts';
import type { ApiDeps } from '../../deps.ts';
import { invalidInput, notFound, type RestError } from './rest-error.ts';

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
  /**
   * All or nothing, with its audit record; it answers when the change is committed. Work that answers a
   * `CommittedRefusal` keeps what it wrote, and the request is refused.
   */
  change<T>(actor: Requester, work: (changing: Changing) => Promise<T>): Promise<Kept<T>>;
}

/** A refusal that must leave its trace, such as a wrong code that counts as a try. */
export class CommittedRefusal {
  readonly error: RestError;
  constructor(error: RestError) {
    this.error = error;
  }
}

type Kept<T> = Exclude<T, CommittedRefusal>;

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
    change: async (actor, work) => {
      const { accountId } = actor;
      const result = await deps.database.inAccount(accountId, async (trx) => {
        const account = await lockAccount(trx, accountId);
        if (!account) throw notFound();
        const changing = { ...reading(trx, accountId), account };
        const made = await work(changing);
        if (made instanceof CommittedRefusal) return made;
        const record = recordOf(actor.origin, actorFields(actor));
        await insertAuditRecords(trx, accountId, [{ ...record, occurred_at: changing.now }]);
        return made;
      });
      if (result instanceof CommittedRefusal) throw result.error;
      return result as Kept<typeof result>;
    },
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
