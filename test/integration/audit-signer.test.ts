/**
 * Heads of the audit log are signed in time and kept outside the database, in a file and at a second place; a signer
 * goes on where another ended, whatever became of its notes; it signs nothing that does not continue what it
 * signed. `pdlite audit` verifies with nothing but files and says by its exit code what it found.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readFile, rename, rm, truncate } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import pg from 'pg';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

import { insertAuditRecords } from '../../db/audit-records.ts';
import { startAuditSigner, type AuditSigner, type PublishHeads } from '../../db/audit-signer.ts';
import { openDatabase, type Database } from '../../db/database.ts';
import { ensureSigningKey, readSigningKey } from '../../platform/audit-key.ts';
import { newId } from '../../platform/ids.ts';
import { poster } from '../../worker/audit-signing.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

const cli = path.resolve(import.meta.dirname, '../../cli/pdlite.mjs');
const python = path.resolve(import.meta.dirname, '../../bin/audit-verify.py');
const logger = pino({ level: 'silent' });

let urls: TestDatabase;
let database: Database;
let folder: string;
let nowMs = Date.now();
let unsigned = -1;
let changed = 0;
const signers: AuditSigner[] = [];
const file = (name: string) => path.join(folder, name);

beforeAll(async () => {
  urls = await createTestDatabase();
  database = openDatabase(urls.appUrl, { poolMax: 2, logger });
});
afterAll(async () => {
  await database.close();
  await urls.drop();
});
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pdlite-signer-'));
  await ensureSigningKey(file('key.pem'));
  nowMs = Date.now();
  changed = 0;
});
afterEach(async () => {
  await Promise.all(signers.splice(0).map((signer) => signer.close()));
  await asSuperuser('truncate audit_records');
  await rm(folder, { recursive: true, force: true });
});

function start(publish: PublishHeads | null = null): AuditSigner {
  const signer = startAuditSigner({
    ...{ url: urls.directoryUrl, headsFile: file('heads.jsonl'), logger, publish },
    privateKey: readSigningKey(file('key.pem')),
    now: () => new Date(nowMs),
    lookEveryMs: 100,
    meter: { unsigned: (count) => (unsigned = count), changed: (count) => (changed = count) },
  });
  signers.push(signer);
  return signer;
}

const write = (account: string, count = 1) =>
  database.inAccount(account, (trx) =>
    insertAuditRecords(
      trx,
      account,
      Array.from({ length: count }, () => ({
        ...{ id: newId('A'), actor_type: 'user', actor_id: 'PUSER', action: 'update' },
        ...{ operation: 'updateTeam', outcome: 'success', source: 'public' },
      })),
    ),
  );

async function asSuperuser(...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: urls.superuserUrl });
  await client.connect();
  await client.query('alter table audit_records disable trigger all');
  for (const sql of statements) await client.query(sql);
  await client.query('alter table audit_records enable trigger all');
  await client.end();
}

async function heads(): Promise<readonly { n: number; account: string; size: number }[]> {
  const text = await readFile(file('heads.jsonl'), 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { n: number; account: string; size: number });
}

/** Exit code and output of `pdlite audit`, which finds the database only where `online`. */
async function audit(args: readonly string[], online = true) {
  const gone = 'postgres://x:x@127.0.0.1:1/none';
  const env = {
    ...{ PATH: process.env['PATH'], DATA_DIR: folder, AUDIT_KEY_FILE: file('key.pem') },
    AUDIT_HEADS_FILE: file('heads.jsonl'),
    DATABASE_URL: online ? urls.appUrl : gone,
    DIRECTORY_DATABASE_URL: online ? urls.directoryUrl : gone,
  };
  return run(process.execPath, [cli, 'audit', ...args], env);
}

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv) {
  return new Promise<{ code: number; out: string }>((resolve) => {
    execFile(program, [...args], { env }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out: stdout + stderr });
    });
  });
}

test('signs what is there at once, then after a minute or a thousand records', async () => {
  await write('PA', 3);
  const signer = start();
  await expect.poll(heads).toMatchObject([{ n: 1, account: 'PA', size: 3 }]);
  await write('PA', 2);
  await write('PB');
  await expect.poll(() => unsigned, { timeout: 8000 }).toBe(3);
  expect(await heads()).toHaveLength(1);
  nowMs += 60_000;
  await expect
    .poll(heads, { timeout: 8000 })
    .toMatchObject([{ n: 1 }, { n: 2, account: 'PA', size: 5 }, { n: 3, account: 'PB', size: 1 }]);
  await write('PB', 1000);
  await expect.poll(heads, { timeout: 8000 }).toHaveLength(4);
  await signer.signNow();
  expect(await heads()).toHaveLength(4);
  expect((await audit(['verify'])).out).toContain('PB: 1001 records, 1001 of them proven');
}, 60_000);

test('another signer goes on, also without its notes, and after a line that was cut off', async () => {
  await write('PA', 5);
  const first = start();
  await first.signNow();
  const idle = start();
  await write('PA', 2);
  await idle.signNow();
  expect(await heads()).toHaveLength(1);
  await first.close();
  await idle.signNow();
  expect(await heads()).toMatchObject([{ size: 5 }, { n: 2, size: 7 }]);
  await idle.close();
  await rm(file('heads.jsonl.state'));
  await appendFile(file('heads.jsonl'), '{"version":1,"n":3,"acc');
  await write('PA', 4);
  const third = start();
  await third.signNow();
  expect(await heads()).toMatchObject([{ n: 1 }, { n: 2 }, { n: 3, size: 11 }]);
  await third.close();
  await rename(file('heads.jsonl'), file('heads.old'));
  await write('PA', 1);
  await start().signNow();
  expect(await heads()).toMatchObject([{ n: 4, size: 12 }]);
  expect((await audit(['verify'])).code).toBe(0);
});

test('nothing is signed that does not continue what was signed', async () => {
  await write('PA', 10);
  await write('PB', 2);
  const signer = start();
  await signer.signNow();
  await asSuperuser(`delete from audit_records where account_id = 'PA' and seq > 6`);
  await signer.signNow();
  expect(changed).toBe(1);
  await write('PA', 9);
  await write('PB');
  await signer.signNow();
  expect(changed).toBe(1);
  expect((await heads()).slice(2)).toMatchObject([{ account: 'PB', size: 3 }]);
  await signer.close();
  await rm(file('heads.jsonl.state'));
  const again = start();
  await again.signNow();
  expect(changed).toBe(1);
  expect(await heads()).toHaveLength(3);
  const { code, out } = await audit(['verify', '--account', 'PA']);
  expect(code).toBe(1);
  expect(out).toMatch(/PA: 15 records.*REWRITE at record 1 to 10/);
});

test('the second place gets every line in order, again after it failed', async () => {
  const got: string[] = [];
  let answer = 500;
  const server = createServer((request, response) => {
    request.setEncoding('utf8');
    let body = '';
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      if (answer === 200) got.push(body);
      response.writeHead(answer).end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const signer = start(poster(`http://127.0.0.1:${(server.address() as AddressInfo).port}/heads`));
  await write('PA', 2);
  await signer.signNow();
  await write('PA', 2);
  await signer.signNow();
  answer = 200;
  await write('PB', 2);
  await signer.signNow();
  await signer.signNow();
  expect(got.join('')).toBe(await readFile(file('heads.jsonl'), 'utf8'));
  server.close();
});

test('`pdlite audit` exports, verifies offline, and its exit code says what it found', async () => {
  await write('PA', 30);
  await write('PB', 5);
  const signer = start();
  await signer.signNow();
  await write('PA', 3);
  expect((await audit(['export', '--to', file('all.jsonl')])).code).toBe(0);
  expect((await audit(['export', '--account', 'PNONE'])).code).toBe(2);
  const one = await audit(['export', '--account', 'PB']);
  expect(one.out.split('\n').filter((line) => line.includes('"account_id":"PB"'))).toHaveLength(6);
  const offline = ['verify', '--from-export', file('all.jsonl')];
  const good = await audit(offline, false);
  expect(good).toMatchObject({ code: 0 });
  expect(good.out).toContain(
    'PA: 33 records, 30 of them proven by signed heads: nothing is wrong.',
  );
  const by = ['--heads', file('heads.jsonl'), '--public-key', file('key.pem.pub')];
  expect(await audit([...offline, ...by, '--account', 'PB'], false)).toMatchObject({ code: 0 });
  expect(await run('python3', [python, file('all.jsonl'), ...by], process.env)).toMatchObject({
    code: 0,
  });

  await asSuperuser(
    `update audit_records set actor_id = 'PELSE' where account_id = 'PA' and seq = 12`,
  );
  const bad = await audit(['verify']);
  expect(bad.code).toBe(1);
  expect(bad.out).toContain('EDIT at record 12. Record 12 is not what was recorded.');
  await truncate(file('all.jsonl'), 5000);
  expect((await audit(offline, false)).code).toBe(1);
  const cut = await run('python3', [python, file('all.jsonl'), ...by], process.env);
  expect(cut.code).toBe(1);
  expect((await audit(['verify'], false)).code).toBe(2);
  expect((await audit(['frobnicate'])).code).toBe(2);
});

test('the export is in the log itself', async () => {
  await write('PA', 2);
  await audit(['export', '--to', file('all.jsonl'), '--account', 'PA']);
  const records = await database.inAccount('PA', (trx) => trx('audit_records').orderBy('seq'));
  expect(records.at(-1)).toMatchObject({ action: 'export', actor_type: 'operator', seq: 3 });
});
