import { createPublicKey, sign, type KeyObject } from 'node:crypto';

import pg from 'pg';

import { canonicalHead, headHash, type Head, type SignedHead } from '../domain/audit/heads.ts';
import { consistencyProof, EMPTY_FRONTIER, MerkleTree } from '../domain/audit/merkle.ts';
import { fromHex, NO_HASH } from '../domain/audit/record.ts';
import { keyId, sha256 } from '../platform/audit-key.ts';
import type { Logger } from '../platform/logger.ts';
import { HeadsFile } from './audit-heads-file.ts';
import { auditedAccounts } from './audit-read.ts';
import { connectionOptions } from './database.ts';

const LOCK_KEY = 7_343_548_303;
/** Heads are signed when so many records are new, or so long after the last time if any are. */
const RECORDS = 1000;
const EVERY_MS = 60_000;
const LOOK_EVERY_MS = 5000;
/** Records of one head, and of one question for their hashes. */
const HEAD_MAX = 100_000;
const PAGE = 10_000;
/** Characters of one publication; the rest goes with the next. */
const PUBLISH_MAX = 256_000;

/**
 * The second place: takes lines of the heads' file. They come again when it answers false (not yet) or throws.
 */
export type PublishHeads = (lines: string) => Promise<boolean>;

export interface SignerOptions {
  /** Connection string of a role that may read all accounts' records; it needs no other right. */
  readonly url: string;
  readonly headsFile: string;
  readonly privateKey: KeyObject;
  readonly publish: PublishHeads | null;
  readonly logger: Logger;
  readonly now: () => Date;
  readonly meter: SignerMeter;
  /** Between two looks for new records; 5,000 unless given. */
  readonly lookEveryMs?: number;
}

export interface SignerMeter {
  /** Records that no head covers yet, after each look. */
  unsigned(records: number): void;
  /** Accounts whose signed records are not what they were. */
  changed(accounts: number): void;
}

export interface AuditSigner {
  /** Signs what is new, whether or not it is time. @throws when PostgreSQL or the file cannot be used. */
  signNow(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Signs heads of all accounts' audit logs every minute or 1,000 records, for as long as it runs, and keeps them
 * outside the database. One signer at a time works, whoever has the lock; the others wait for their turn. It never
 * signs what does not continue what it signed before.
 */
export function startAuditSigner(options: SignerOptions): AuditSigner {
  const signer = new Signer(options);
  signer.start();
  return signer;
}

interface Known {
  readonly account: string;
  readonly size: number;
}

class Signer implements AuditSigner {
  readonly #options: SignerOptions;
  readonly #keyId: string;
  readonly #changed = new Set<string>();
  #client: pg.Client | undefined;
  #heads: HeadsFile | undefined;
  #signedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();
  #failed = false;
  #unpublished = false;
  #closed = false;

  constructor(options: SignerOptions) {
    this.#options = options;
    this.#keyId = keyId(createPublicKey(options.privateKey));
  }

  start(): void {
    this.#timer = setTimeout(() => void this.#tick(), 0);
  }

  signNow(): Promise<void> {
    this.#work = this.#work.catch(() => undefined).then(() => this.#look(true));
    return this.#work;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#work.catch(() => undefined);
    await this.#disconnect();
  }

  async #tick(): Promise<void> {
    const { logger } = this.#options;
    try {
      this.#work = this.#work.catch(() => undefined).then(() => this.#look(false));
      await this.#work;
      if (this.#failed) logger.info('audit heads are signed again');
      this.#failed = false;
    } catch (error) {
      if (!this.#failed) logger.warn({ err: error }, 'audit heads are not signed; trying again');
      this.#failed = true;
    }
    const { lookEveryMs = LOOK_EVERY_MS } = this.#options;
    if (!this.#closed) this.#timer = setTimeout(() => void this.#tick(), lookEveryMs);
  }

  async #look(force: boolean): Promise<void> {
    try {
      const client = await this.#connected();
      if (!client) return;
      const heads = (this.#heads ??= await this.#openHeads(client));
      const behind = await this.#behind(client, heads);
      const count = behind.reduce(
        (sum, { account, size }) => sum + size - heads.account(account).size,
        0,
      );
      this.#options.meter.unsigned(count);
      const due = this.#options.now().getTime() - this.#signedAt >= EVERY_MS;
      if (force || due || count >= RECORDS) await this.#signAll(client, heads, behind);
      this.#options.meter.changed(this.#changed.size);
      await this.#publish(heads);
    } catch (error) {
      await this.#disconnect();
      throw error;
    }
  }

  async #signAll(client: pg.Client, heads: HeadsFile, behind: readonly Known[]): Promise<void> {
    if (behind.length > 0) this.#signedAt = this.#options.now().getTime();
    for (const known of behind) await this.#signAccount(client, heads, known);
  }

  async #signAccount(client: pg.Client, heads: HeadsFile, { account, size }: Known): Promise<void> {
    const before = heads.account(account);
    const until = Math.min(size, before.size + HEAD_MAX);
    const found = await hashesBetween(client, account, Math.max(0, before.size - 1), until);
    const [last, ...rest] = before.size === 0 ? [NO_HASH, ...found] : found;
    const whole = last === before.hash && rest.length === until - before.size;
    this.#tellWhole(account, before.size, whole);
    if (whole) await this.#signHead(heads, account, rest);
  }

  async #signHead(heads: HeadsFile, account: string, added: readonly string[]): Promise<void> {
    const before = heads.account(account);
    const tree = new MerkleTree(sha256, before.size === 0 ? EMPTY_FRONTIER : before);
    for (const leaf of added) tree.add(fromHex(leaf));
    const hash = added.at(-1) ?? NO_HASH;
    const { n, headHash: prev } = heads.last;
    const head: Head = {
      ...{ version: 1, n: n + 1, account, size: tree.size, root: tree.root(), hash, prev },
      ...{ time: this.#options.now().toISOString(), key: this.#keyId },
    };
    const consistency = consistencyProof(sha256, before, added.map(fromHex));
    const signature = sign(null, canonicalHead(head), this.#options.privateKey).toString('base64');
    const signed: SignedHead = { ...head, consistency, signature };
    const { root } = head;
    await heads.append(signed, { ...tree.frontier(), hash, root }, headHash(sha256, head));
    this.#options.logger.debug({ head: signed }, 'audit head signed');
  }

  /** Nothing more is signed of an account whose last signed record is not what it was, or that has a gap. */
  #tellWhole(account: string, seq: number, whole: boolean): void {
    if (whole) this.#changed.delete(account);
    else if (!this.#changed.has(account)) {
      this.#changed.add(account);
      this.#options.logger.error(
        { accountId: account, seq },
        'the audit log is not what was signed; nothing more of it is signed. Verify it.',
      );
    }
  }

  /** Accounts with records that are not signed. One that has fewer than were signed is told as changed. */
  async #behind(client: pg.Client, heads: HeadsFile): Promise<readonly Known[]> {
    const accounts = await auditedAccounts(client, heads.accountIds());
    const { rows } = await client.query<{ account: string; size: number | null }>(SIZES, [
      accounts,
    ]);
    const sizes = rows.map(({ account, size }) => ({ account, size: size ?? 0 }));
    for (const { account, size } of sizes) {
      if (size < heads.account(account).size) this.#tellWhole(account, size + 1, false);
    }
    return sizes.filter(({ account, size }) => size > heads.account(account).size);
  }

  async #publish(heads: HeadsFile): Promise<void> {
    const { publish } = this.#options;
    const waiting = publish && (await heads.unpublished(PUBLISH_MAX));
    if (!waiting) return;
    try {
      if (await publish(waiting.lines)) await waiting.done();
      this.#unpublished = false;
    } catch (error) {
      if (!this.#unpublished) {
        this.#options.logger.warn({ err: error }, 'audit heads are not published; trying again');
      }
      this.#unpublished = true;
    }
  }

  /** Makes what the state would have told from the records themselves, as far as they are what was signed. */
  async #openHeads(client: pg.Client): Promise<HeadsFile> {
    const { heads, lost } = await HeadsFile.open(this.#options.headsFile);
    for (const { account, size, root, hash } of lost) {
      const tree = new MerkleTree(sha256);
      for (let from = 0; from < size; from += PAGE) {
        const leaves = await hashesBetween(client, account, from, Math.min(size, from + PAGE));
        for (const leaf of leaves) tree.add(fromHex(leaf));
      }
      const same = tree.root() === root;
      // With a hash that no record has, the account counts as changed.
      heads.restore(account, { ...tree.frontier(), size, root, hash: same ? hash : NO_HASH });
    }
    if (lost.length > 0) await heads.save();
    return heads;
  }

  /** Undefined while another signer has the lock, which ends with its connection. */
  async #connected(): Promise<pg.Client | undefined> {
    if (this.#client) return this.#client;
    const client = new pg.Client(connectionOptions(this.#options.url));
    client.on('error', () => void this.#disconnect());
    await client.connect();
    this.#client = client;
    const { rows } = await client.query<{ taken: boolean }>(
      'select pg_try_advisory_lock($1) as taken',
      [LOCK_KEY],
    );
    if (rows[0]?.taken) return client;
    await this.#disconnect();
    return undefined;
  }

  async #disconnect(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    // Whoever has the lock meanwhile appends to the file.
    this.#heads = undefined;
    await client?.end().catch(() => undefined);
  }
}

const SIZES = `
  select a.account, (
    select r.seq from audit_records r where r.account_id = a.account order by r.seq desc limit 1) as size
  from unnest($1::text[]) a (account) order by a.account`;

/** The chain hashes, in hex, of the records after `from` up to `to`, as far as they are there. */
async function hashesBetween(
  client: pg.Client,
  account: string,
  from: number,
  to: number,
): Promise<readonly string[]> {
  const hashes: string[] = [];
  for (let next = from; next < to; next += PAGE) {
    const { rows } = await client.query<{ hash: string }>(
      `select encode(hash, 'hex') as hash from audit_records
       where account_id = $1 and seq > $2 and seq <= $3 order by seq`,
      [account, next, Math.min(to, next + PAGE)],
    );
    hashes.push(...rows.map(({ hash }) => hash));
  }
  return hashes;
}
