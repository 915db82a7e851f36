import { verify as verifyWithKey, type KeyObject } from 'node:crypto';
import { createReadStream } from 'node:fs';

import type pg from 'pg';

import type { Finding } from '../domain/audit/findings.ts';
import { verifyHeads, type SignedHead, type VerifiedHeads } from '../domain/audit/heads.ts';
import type { AuditRecord } from '../domain/audit/record.ts';
import { AccountVerifier, type AccountVerdict } from '../domain/audit/verify.ts';
import { sha256 } from '../platform/audit-key.ts';
import { parseHead } from './audit-heads-file.ts';
import { auditedAccounts, recordLines, unrecordedEntries } from './audit-read.ts';

/** What was verified, and what was found. */
export interface AuditVerdict {
  readonly accounts: readonly AccountVerdict[];
  /** Of heads, and of lines that are none. */
  readonly findings: readonly Finding[];
}

export interface VerifyOptions {
  /** Lines of the heads' file; absent: nothing proves that the whole was not made anew. */
  readonly heads: readonly string[] | null;
  readonly keys: ReadonlyMap<string, KeyObject>;
  /** Only this account; null: all. */
  readonly account: string | null;
}

/** Verifies what `pdlite audit export` wrote, with nothing but files. */
export async function verifyExport(file: string, options: VerifyOptions): Promise<AuditVerdict> {
  const heads = checkHeads(options);
  const verifiers = new Map<string, AccountVerifier>();
  const findings: Finding[] = [...heads.findings];
  let number = 0;
  for await (const lines of linesOf(file)) {
    for (const line of lines) {
      number += 1;
      const record = parseRecord(line);
      if (!record) {
        // The first line says what the file is.
        if (number > 1) findings.push(noRecord(`Line ${number} of ${file} is no record.`));
      } else if (options.account === null || record.account_id === options.account) {
        verifierOf(record.account_id, heads, verifiers).add(record);
      }
    }
  }
  for (const account of wantedOf(heads, options)) verifierOf(account, heads, verifiers);
  return { accounts: [...verifiers.values()].map((one) => one.finish()), findings };
}

/** Verifies what the database holds now, and that each log entry that it holds has its record. */
export async function verifyDatabase(
  client: pg.ClientBase,
  options: VerifyOptions,
): Promise<AuditVerdict> {
  const heads = checkHeads(options);
  const accounts: AccountVerdict[] = [];
  await client.query('begin transaction isolation level repeatable read, read only');
  const found = await auditedAccounts(client, wantedOf(heads, options));
  const wanted = found.filter((id) => options.account === null || id === options.account);
  for (const account of wanted) {
    const verifier = new AccountVerifier(account, heads.byAccount.get(account) ?? [], sha256);
    for await (const lines of recordLines(client, account)) {
      for (const line of lines) verifier.add(JSON.parse(line) as AuditRecord);
    }
    const verdict = verifier.finish();
    const missing = (await unrecordedEntries(client, account)).map((id) => unrecorded(account, id));
    accounts.push({ ...verdict, findings: [...verdict.findings, ...missing] });
  }
  await client.query('commit');
  return { accounts, findings: heads.findings };
}

function checkHeads({ heads: lines, keys, account }: VerifyOptions): VerifiedHeads {
  const heads: SignedHead[] = [];
  const findings: Finding[] = [];
  for (const [index, line] of (lines ?? []).entries()) {
    const head = parseHead(line);
    if (head) heads.push(head);
    else
      findings.push({
        ...noRecord(`Line ${index + 1} of the heads is no head.`),
        kind: 'broken heads',
      });
  }
  const verifySignature = (id: string, signed: Uint8Array, signature: string) => {
    const key = keys.get(id);
    return key !== undefined && verifyWithKey(null, signed, key, Buffer.from(signature, 'base64'));
  };
  const proven = verifyHeads(heads, { sha256, verifySignature });
  const own = proven.findings.filter((one) => account === null || one.account === account);
  return { byAccount: proven.byAccount, findings: [...findings, ...own] };
}

/** Accounts whose heads say that they have records. */
function wantedOf(heads: VerifiedHeads, { account }: VerifyOptions): readonly string[] {
  return [...heads.byAccount.keys()].filter((id) => account === null || id === account);
}

function verifierOf(
  account: string,
  heads: VerifiedHeads,
  verifiers: Map<string, AccountVerifier>,
): AccountVerifier {
  const known = verifiers.get(account);
  if (known) return known;
  const made = new AccountVerifier(account, heads.byAccount.get(account) ?? [], sha256);
  verifiers.set(account, made);
  return made;
}

function parseRecord(line: string): AuditRecord | undefined {
  try {
    const value = JSON.parse(line) as Partial<AuditRecord> | null;
    const { account_id: account, seq, prev_hash: prev, hash, recorded_at: at } = value ?? {};
    const texts = [account, prev, hash, at].every((text) => typeof text === 'string');
    return texts && typeof seq === 'number' ? (value as AuditRecord) : undefined;
  } catch {
    return undefined;
  }
}

function noRecord(text: string): Finding {
  return { kind: 'edit', account: null, seq: null, until: null, head: null, text };
}

function unrecorded(account: string, id: string): Finding {
  const text = `The log entry ${id} has no record.`;
  return { kind: 'missing producer record', account, seq: null, until: null, head: null, text };
}

/** Lines of a file of any length, part by part. */
async function* linesOf(file: string): AsyncGenerator<readonly string[]> {
  let rest = '';
  for await (const chunk of createReadStream(file, { encoding: 'utf8', highWaterMark: 1 << 20 })) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    yield lines;
  }
  if (rest !== '') yield [rest];
}
