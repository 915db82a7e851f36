import type { KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { parseArgs } from 'node:util';

import pg from 'pg';
import { pino } from 'pino';

import type { Finding } from '../domain/audit/findings.ts';
import { readPublicKeys } from '../platform/audit-key.ts';
import { ConfigError, type Config } from '../platform/config.ts';
import { commandConfig } from '../platform/embedded/settings.ts';
import { auditedAccounts, recordLines } from './audit-read.ts';
import { insertAuditRecords, operatorRecord } from './audit-records.ts';
import { verifyDatabase, verifyExport, type AuditVerdict } from './audit-verify.ts';
import { connectionOptions, openDatabase } from './database.ts';

const USAGE = `Usage:
  pdlite audit verify [--account ID] [--from-export FILE] [--heads FILE] [--public-key FILE]
  pdlite audit export [--account ID] [--to FILE]`;
const SHOWN_MAX = 20;
const EXPORT_FORMAT = 'pdlite-audit-export/1';

const options = {
  account: { type: 'string' },
  'from-export': { type: 'string' },
  heads: { type: 'string' },
  'public-key': { type: 'string' },
  to: { type: 'string' },
} as const;

/** Whoever called it asked for something that there is not. */
class UsageError extends Error {
  override readonly name = 'UsageError';
}

type Values = Partial<Record<keyof typeof options, string>>;

/** `pdlite audit`: 0 nothing is wrong, 1 something is, 2 it could not be found out. */
async function main(): Promise<number> {
  const { values, positionals } = parsed();
  const config = await commandConfig();
  if (positionals[0] === 'verify') return verify(config, values);
  if (positionals[0] === 'export') return exportRecords(config, values);
  throw new UsageError(USAGE);
}

function parsed() {
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : ''}\n${USAGE}`);
  }
}

async function verify(config: Config, values: Values): Promise<number> {
  const headsFile = values.heads ?? config.AUDIT_HEADS_FILE;
  const given = {
    heads: headsFile === undefined ? null : await headLines(headsFile),
    keys: publicKeys(config, values),
    account: values.account ?? null,
  };
  const file = values['from-export'];
  const verdict =
    file === undefined
      ? await withClient(config, (client) => verifyDatabase(client, given))
      : await verifyExport(file, given);
  if (given.heads === null) {
    console.log('No heads were given: a log that was made anew as a whole would not be noticed.');
  }
  return report(verdict);
}

async function headLines(file: string): Promise<readonly string[]> {
  const lines = (await readFile(file, 'utf8')).split('\n');
  // Without its end, the last one is being written just now.
  return lines.slice(0, -1);
}

function publicKeys(config: Config, values: Values): ReadonlyMap<string, KeyObject> {
  const file =
    values['public-key'] ?? config.AUDIT_PUBLIC_KEY_FILE ?? config.AUDIT_KEY_FILE ?? undefined;
  return file === undefined ? new Map() : readPublicKeys(file);
}

function report({ accounts, findings }: AuditVerdict): number {
  for (const one of findings.slice(0, SHOWN_MAX)) console.log(sentence(one));
  for (const { account, records, signed, findings: own } of accounts) {
    const [first] = own;
    const count = `${records} records, ${signed} of them proven by signed heads`;
    console.log(`${account}: ${count}: ${first ? sentence(first) : 'nothing is wrong.'}`);
    for (const more of own.slice(1, SHOWN_MAX)) console.log(`  then ${sentence(more)}`);
  }
  return findings.length + accounts.flatMap((one) => one.findings).length > 0 ? 1 : 0;
}

function sentence({ kind, seq, until, text }: Finding): string {
  const range = until === null || until === seq ? '' : ` to ${until}`;
  const where = seq === null ? '' : ` at record ${seq}${range}`;
  return `${kind.toUpperCase()}${where}. ${text}`;
}

async function exportRecords(config: Config, values: Values): Promise<number> {
  const { account, to } = values;
  const exported = await withClient(config, async (client) => {
    const out = to === undefined ? process.stdout : createWriteStream(to, { mode: 0o600 });
    await client.query('begin transaction isolation level repeatable read, read only');
    const found = await auditedAccounts(client);
    const accounts = account === undefined ? found : found.filter((id) => id === account);
    if (accounts.length === 0) throw new UsageError('There are no records of that account.');
    const head = { format: EXPORT_FORMAT, accounts, exported_at: new Date().toISOString() };
    out.write(`${JSON.stringify(head)}\n`);
    for (const id of accounts) {
      for await (const lines of recordLines(client, id)) {
        if (!out.write(`${lines.join('\n')}\n`)) await once(out, 'drain');
      }
    }
    if (out !== process.stdout) await finished(out.end());
    return accounts;
  });
  for (const id of exported) await recordExport(config, id);
  return 0;
}

/** Whoever takes the log out is in the log. Without a writable database the export stands, and says so. */
async function recordExport(config: Config, account: string): Promise<void> {
  const database = openDatabase(config.DATABASE_URL, {
    poolMax: 1,
    logger: pino({ level: 'silent' }),
  });
  try {
    await database.inAccount(account, (trx) =>
      insertAuditRecords(trx, account, [
        {
          ...{ ...operatorRecord('exportAudit'), action: 'export' },
          ...{ object_type: 'audit_records', object_id: account },
          ...{ root_type: 'accounts', root_id: account },
        },
      ]),
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.error(`The export of ${account} is not recorded in its audit log: ${reason}`);
  } finally {
    await database.close();
  }
}

async function withClient<T>(config: Config, work: (client: pg.Client) => Promise<T>): Promise<T> {
  // As long as it takes: a page is quick, a whole log is not one statement.
  const client = new pg.Client(connectionOptions(config.DIRECTORY_DATABASE_URL, 0));
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  const known = error instanceof UsageError || error instanceof ConfigError;
  const reason = error instanceof Error ? error.message : String(error);
  console.error(known ? reason : `It could not be found out: ${reason}`);
  process.exitCode = 2;
}
