/**
 * A superuser who changes the audit log behind the application's back is found: 300 seeded changes of ten kinds,
 * each with the first record that is not what it was, by the product's verifier and by a second one in Python that
 * shares nothing with it. AUDIT_SEED and AUDIT_TAMPERINGS try others, and more.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { recordLines } from '../../db/audit-read.ts';
import { insertAuditRecords } from '../../db/audit-records.ts';
import { startAuditSigner } from '../../db/audit-signer.ts';
import { verifyExport } from '../../db/audit-verify.ts';
import { openDatabase } from '../../db/database.ts';
import { ensureSigningKey, readPublicKeys, readSigningKey } from '../../platform/audit-key.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import {
  chanceOf,
  RECHAIN,
  TAMPERINGS,
  TamperedLog,
  type Expected,
} from '../support/tamperings.ts';

const COUNT = Number(process.env['AUDIT_TAMPERINGS'] ?? 300);
const SEED = Number(process.env['AUDIT_SEED'] ?? 20261124);
const ACCOUNT = 'PACC';
const SIZE = 40;
const SIGNED = 28;
const script = path.resolve(import.meta.dirname, '../../bin/audit-verify.py');
const logger = pino({ level: 'silent' });

let urls: TestDatabase;
let client: pg.Client;
let folder: string;
const file = (name: string) => path.join(folder, name);

beforeAll(async () => {
  urls = await createTestDatabase();
  folder = await mkdtemp(path.join(tmpdir(), 'pdlite-audit-'));
  await ensureSigningKey(file('key.pem'));
  const signer = startAuditSigner({
    ...{ url: urls.directoryUrl, headsFile: file('heads.jsonl'), logger },
    ...{ privateKey: readSigningKey(file('key.pem')), publish: null, now: () => new Date() },
    meter: { unsigned: () => undefined, changed: () => undefined },
  });
  for (const until of [7, 8, 19, SIGNED]) {
    await write(until);
    await signer.signNow();
  }
  await signer.close();
  await write(SIZE);
  client = new pg.Client({ connectionString: urls.superuserUrl });
  await client.connect();
  await client.query(RECHAIN);
});
afterAll(async () => {
  await client.end();
  await rm(folder, { recursive: true, force: true });
  await urls.drop();
});

let written = 0;
/** Records of two producers and of nobody in turn, up to this number. */
async function write(until: number): Promise<void> {
  const database = openDatabase(urls.appUrl, { poolMax: 1, logger });
  await database.inAccount(ACCOUNT, async (trx) => {
    for (; written < until; written += 1) {
      const producer = ['QONE', 'QTWO', null][written % 3] ?? null;
      const producer_seq = producer === null ? null : Math.floor(written / 3) + 1;
      await insertAuditRecords(trx, ACCOUNT, [
        {
          ...{ id: `R${written}`, actor_type: 'user', actor_id: `PUSER${written % 4}` },
          ...{ action: 'update', operation: 'updateTeam', outcome: 'success', source: 'public' },
          ...{ reason: `Größe ${written} «x»`, producer, producer_seq },
        },
      ]);
    }
  });
  await database.close();
}

async function exported(name: string): Promise<string> {
  const pages: string[] = ['{"format":"test"}'];
  for await (const lines of recordLines(client, ACCOUNT)) pages.push(...lines);
  await writeFile(file(name), `${pages.join('\n')}\n`);
  return file(name);
}

interface Case {
  readonly name: string;
  readonly expected: Expected | null;
  readonly exportFile: string;
  readonly headsFile: string;
}

async function tampered(number: number): Promise<Case> {
  const chance = chanceOf(SEED + number);
  const kinds = [...TAMPERINGS, 'signature' as const];
  const chosen = kinds[number % kinds.length] ?? 'signature';
  if (chosen === 'signature') return spoiltHead(number, chance(4));
  await client.query('begin');
  await client.query('alter table audit_records disable trigger all');
  await client.query('alter table audit_records drop constraint audit_records_pkey');
  const given = { account: ACCOUNT, size: SIZE, signed: SIGNED, chance };
  const expected = await chosen.run(new TamperedLog(client, given));
  const exportFile = await exported(`${number}.jsonl`);
  await client.query('rollback');
  const name = `${number}, seed ${SEED}: ${chosen.name}`;
  return { name, expected, exportFile, headsFile: file('heads.jsonl') };
}

async function spoiltHead(number: number, index: number): Promise<Case> {
  const lines = (await readFile(file('heads.jsonl'), 'utf8')).split('\n');
  const head = JSON.parse(lines[index] ?? '') as Record<string, unknown>;
  const field = ['time', 'size', 'root', 'signature'][number % 4] ?? 'time';
  const value = head[field];
  head[field] =
    field === 'time'
      ? '2026-01-01T00:00:00.000Z'
      : typeof value === 'number'
        ? value + 1
        : String(value).replace(/^./, (digit) => (digit === '1' ? '2' : '1'));
  const headsFile = file(`${number}.heads`);
  await writeFile(headsFile, lines.with(index, JSON.stringify(head)).join('\n'));
  await client.query('begin');
  const exportFile = await exported(`${number}.jsonl`);
  await client.query('rollback');
  const expected = { kind: 'bad signature', seq: 0 } as const;
  return { name: `${number}: the ${field} of a head`, expected, exportFile, headsFile };
}

interface Found {
  readonly kind: string;
  readonly seq: number | null;
  readonly until: number | null;
}

async function byProduct({ exportFile, headsFile }: Case): Promise<readonly Found[]> {
  const heads = (await readFile(headsFile, 'utf8')).split('\n').slice(0, -1);
  const keys = readPublicKeys(file('key.pem.pub'));
  const { accounts, findings } = await verifyExport(exportFile, { heads, keys, account: null });
  return [...findings, ...accounts.flatMap((account) => account.findings)];
}

async function byPython(cases: readonly Case[]): Promise<readonly (readonly Found[])[]> {
  const heads = cases.flatMap(({ headsFile }) => ['--heads', headsFile]);
  const exports = cases.map(({ exportFile }) => exportFile);
  const args = [script, ...exports, ...heads, '--public-key', file('key.pem.pub'), '--json'];
  const { stdout } = await promisify(execFile)('python3', args, { maxBuffer: 1e8 }).catch(
    (error: unknown) => error as { stdout: string },
  );
  return stdout
    .trim()
    .split('\n')
    .map((line) => {
      const verdict = JSON.parse(line) as {
        findings: Found[];
        accounts: Record<string, { findings: Found[] }>;
      };
      return [...verdict.findings, ...Object.values(verdict.accounts).flatMap((a) => a.findings)];
    });
}

const brief = (found: readonly Found[]) =>
  found.map(({ kind, seq, until }) => ({ kind, seq, until }));

function expectFound(found: readonly Found[], { name, expected }: Case): void {
  const [first] = found;
  expect(first?.kind, name).toBe(expected?.kind);
  if (expected?.kind === 'rewrite') {
    expect(first?.seq, name).toBeLessThanOrEqual(expected.seq);
    expect(first?.until, name).toBeGreaterThanOrEqual(expected.seq);
  } else if (expected?.kind !== 'bad signature') expect(first?.seq, name).toBe(expected?.seq);
}

test(
  `${COUNT} tamperings are all found, by both verifiers alike`,
  { timeout: 120_000 },
  async () => {
    await client.query('begin');
    const untouched = await exported('untouched.jsonl');
    await client.query('rollback');
    const heads = file('heads.jsonl');
    const cases: Case[] = [
      { name: 'untouched', expected: null, exportFile: untouched, headsFile: heads },
    ];
    for (let number = 0; number < COUNT; number += 1) cases.push(await tampered(number));
    const second = await byPython(cases);
    for (const [index, one] of cases.entries()) {
      const found = await byProduct(one);
      if (one.expected) expectFound(found, one);
      else expect(found).toEqual([]);
      expect(brief(second[index] ?? []), `${one.name}, by Python`).toEqual(brief(found));
    }
  },
);
