import { insertAuditRecords } from '../../db/audit-records.ts';
import { setOptOut } from '../../db/stores/opt-outs.ts';
import { newId } from '../../platform/ids.ts';
import type { ApiDeps } from '../deps.ts';
import type { Responders, Who } from './responders.ts';

const DATABASE_MS = 2000;

interface OptOutReply {
  readonly who: Who;
  readonly contactMethodId: string;
  readonly optedOut: boolean;
  readonly via: 'sms' | 'email_reply';
}

/**
 * STOP and START: noted in PostgreSQL for the future and told to the responder for what is open now.
 * @returns whether it counts: one of the two has it.
 */
export async function recordOptOut(
  deps: ApiDeps,
  responders: Responders,
  { who, contactMethodId, optedOut, via }: OptOutReply,
): Promise<boolean> {
  const at = deps.now().toISOString();
  const [stored, told] = await Promise.all([
    store(deps, { who, contactMethodId, via }, optedOut ? at : null),
    responders.optOut(who, { contactMethodId, optedOut, at }),
  ]);
  deps.logger.info({ ...who, contactMethodId, optedOut, stored, told }, 'opt-out');
  return stored || told === 'recorded';
}

async function store(
  { database, logger }: ApiDeps,
  { who, contactMethodId, via }: Omit<OptOutReply, 'optedOut'>,
  at: string | null,
): Promise<boolean> {
  const { accountId, userId } = who;
  const work = database
    .inAccount(accountId, async (trx) => {
      await setOptOut(trx, contactMethodId, at);
      const record = {
        ...optOutRecord(userId, contactMethodId),
        operation: at ? 'optOut' : 'optIn',
        source: via,
      };
      await insertAuditRecords(trx, accountId, [record]);
    })
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

function optOutRecord(userId: string, contactMethodId: string) {
  return {
    ...{ id: newId('A'), actor_type: 'user', actor_id: userId },
    ...{ action: 'update', outcome: 'success' as const },
    ...{ object_type: 'contact_methods', object_id: contactMethodId },
    ...{ root_type: 'users', root_id: userId },
  };
}
