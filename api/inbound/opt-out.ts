import { setOptOut } from '../../db/stores/opt-outs.ts';
import type { ApiDeps } from '../deps.ts';
import type { Responders, Who } from './responders.ts';

const DATABASE_MS = 2000;

/**
 * STOP and START: noted in PostgreSQL for the future and told to the responder for what is open now.
 * @returns whether it counts: one of the two has it.
 */
export async function recordOptOut(
  deps: ApiDeps,
  responders: Responders,
  { who, contactMethodId, optedOut }: { who: Who; contactMethodId: string; optedOut: boolean },
): Promise<boolean> {
  const at = deps.now().toISOString();
  const [stored, told] = await Promise.all([
    store(deps, who.accountId, contactMethodId, optedOut ? at : null),
    responders.optOut(who, { contactMethodId, optedOut, at }),
  ]);
  deps.logger.info({ ...who, contactMethodId, optedOut, stored, told }, 'opt-out');
  return stored || told === 'recorded';
}

async function store(
  { database, logger }: ApiDeps,
  accountId: string,
  contactMethodId: string,
  at: string | null,
): Promise<boolean> {
  const work = database
    .inAccount(accountId, (trx) => setOptOut(trx, contactMethodId, at))
    .then(
      () => true,
      (error: unknown) => {
        logger.warn({ err: error, accountId, contactMethodId }, 'opt-out not stored');
        return false;
      },
    );
  const { promise, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), DATABASE_MS);
  return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}
