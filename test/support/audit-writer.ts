import { pino } from 'pino';

import { insertAuditRecords } from '../../db/audit-records.ts';
import { openDatabase } from '../../db/database.ts';

/**
 * Run as a process that is killed: changes configuration, then records it, and stands still at the point that it is
 * told. Says `changed`, `recorded` and `committed` as it gets there.
 */
const [url = '', account = '', standAt = '', name = ''] = process.argv.slice(2);

const database = openDatabase(url, { poolMax: 1, logger: pino({ level: 'silent' }) });

async function reached(point: string): Promise<void> {
  console.log(point);
  if (point === standAt) await new Promise((resolve) => setTimeout(resolve, 60_000));
}

await database.inAccount(account, async (trx) => {
  await trx('teams').insert({ id: name, account_id: account, name });
  await reached('changed');
  await insertAuditRecords(trx, account, [
    {
      ...{ id: `A${name}`, actor_type: 'user', actor_id: 'PUSER', action: 'create' },
      ...{ operation: 'createTeam', outcome: 'success', source: 'public' },
    },
  ]);
  await reached('recorded');
});
await reached('committed');
