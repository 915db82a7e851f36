import { insertAuditRecords, type NewAuditRecord } from '../db/audit-records.ts';
import type { Database } from '../db/database.ts';
import { SYSTEM_CHAIN } from '../domain/audit/record.ts';
import { auditPending } from '../platform/audit-metrics.ts';
import { newId } from '../platform/ids.ts';
import type { Logger } from '../platform/logger.ts';
import type { SourceClass } from './origin.ts';

/** Attempts that were refused, on their way into the audit log. */
export interface RefusalLog {
  /** One record, as long as the account stays within its bound; beyond it a count. */
  add(accountId: string, record: NewAuditRecord): void;
  /** An attempt by nobody known: only counted, one record a minute for all of them. */
  addUnknown(what: string, source: SourceClass): void;
  /** Writes what waits, counts included. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface RefusalDeps {
  readonly database: Pick<Database, 'inAccount'>;
  readonly logger: Logger;
  readonly now: () => Date;
}

const FLUSH_MS = 200;
/** After a failure; PostgreSQL is away. */
const RETRY_MS = 5000;
const COUNTS_EVERY_MS = 60_000;
/** Records of one account that may come at once, and so many a second beyond that. */
const BURST = 300;
const PER_SECOND = 1;
/** Records in memory while PostgreSQL is away; further ones are counted. */
const WAITING_MAX = 1000;
/** Records of one transaction. */
const BATCH_MAX = 100;
/** Accounts, and kinds of refusals of one account, that are told apart. */
const KEYS_MAX = 50;

interface Account {
  tokens: number;
  refilledAt: number;
  waiting: NewAuditRecord[];
  readonly counts: Map<string, number>;
  countedSince: string;
}

/**
 * Collects refusals in memory and writes them a moment later, so that refusing never waits for PostgreSQL, and
 * nobody fills the disk: each account has a bound, what belongs to no account is one record a minute. A process
 * that is killed loses those of its last 200 ms; nothing was changed by them, and each has its log line.
 */
export function createRefusalLog(deps: RefusalDeps): RefusalLog {
  return new Refusals(deps);
}

class Refusals implements RefusalLog {
  readonly #deps: RefusalDeps;
  readonly #accounts = new Map<string, Account>();
  #waiting = 0;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;
  readonly #minute: NodeJS.Timeout;

  constructor(deps: RefusalDeps) {
    this.#deps = deps;
    this.#minute = setInterval(() => void this.flush(), COUNTS_EVERY_MS);
    this.#minute.unref();
  }

  add(accountId: string, record: NewAuditRecord): void {
    const now = this.#deps.now();
    const account = this.#account(accountId, now);
    const elapsedMs = now.getTime() - account.refilledAt;
    account.tokens = Math.min(BURST, account.tokens + (Math.max(0, elapsedMs) / 1000) * PER_SECOND);
    account.refilledAt = now.getTime();
    if (account.tokens < 1 || this.#waiting >= WAITING_MAX) {
      this.#count(account, `${record.operation}: ${record.reason ?? ''}`.slice(0, 100), now);
      return;
    }
    account.tokens -= 1;
    account.waiting.push({ ...record, occurred_at: now.toISOString() });
    this.#changeWaiting(1);
    this.#schedule(FLUSH_MS);
  }

  addUnknown(what: string, source: SourceClass): void {
    const now = this.#deps.now();
    this.#count(this.#account(SYSTEM_CHAIN, now), `${what} from ${source}`, now);
  }

  flush(): Promise<void> {
    return this.#run(true);
  }

  async close(): Promise<void> {
    clearInterval(this.#minute);
    clearTimeout(this.#timer);
    await this.flush();
    clearTimeout(this.#timer);
  }

  #run(withCounts: boolean): Promise<void> {
    const previous = this.#flushing ?? Promise.resolve();
    this.#flushing = previous.then(() => this.#writeAll(withCounts));
    return this.#flushing;
  }

  async #writeAll(withCounts: boolean): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const now = this.#deps.now().toISOString();
    let failed = false;
    for (const [id, account] of this.#accounts) {
      if (withCounts) this.#countsToRecord(account, now);
      while (account.waiting.length > 0 && !failed) failed = !(await this.#writeBatch(id, account));
      if (account.waiting.length === 0 && account.counts.size === 0 && account.tokens >= BURST) {
        this.#accounts.delete(id);
      }
    }
    if (this.#waiting > 0) this.#schedule(failed ? RETRY_MS : FLUSH_MS);
  }

  async #writeBatch(accountId: string, account: Account): Promise<boolean> {
    const batch = account.waiting.slice(0, BATCH_MAX);
    try {
      await this.#deps.database.inAccount(accountId, (trx) =>
        insertAuditRecords(trx, accountId, batch),
      );
    } catch (error) {
      this.#deps.logger.debug({ err: error, accountId }, 'refusals are not recorded yet');
      return false;
    }
    account.waiting = account.waiting.slice(batch.length);
    this.#changeWaiting(-batch.length);
    return true;
  }

  #countsToRecord(account: Account, now: string): void {
    if (account.counts.size === 0 || this.#waiting >= WAITING_MAX + KEYS_MAX) return;
    const counts = Object.fromEntries(account.counts);
    const total = [...account.counts.values()].reduce((sum, count) => sum + count, 0);
    account.waiting.push({
      id: newId('A'),
      ...{ actor_type: 'system', actor_id: 'pdlite', action: 'read', operation: 'refused' },
      ...{ outcome: 'refused', source: 'several' },
      reason: `${total} refused attempts between ${account.countedSince} and ${now}.`,
      changes: JSON.stringify({ counts }),
    });
    this.#changeWaiting(1);
    account.counts.clear();
  }

  /** Beyond the bound of accounts, everything goes to the chain of nobody. */
  #account(id: string, now: Date): Account {
    const known = this.#accounts.get(id);
    if (known) return known;
    const full = this.#accounts.size >= WAITING_MAX && id !== SYSTEM_CHAIN;
    if (full) return this.#account(SYSTEM_CHAIN, now);
    const account: Account = {
      ...{ tokens: BURST, refilledAt: now.getTime(), waiting: [] },
      ...{ counts: new Map<string, number>(), countedSince: now.toISOString() },
    };
    this.#accounts.set(id, account);
    return account;
  }

  #count(account: Account, what: string, now: Date): void {
    if (account.counts.size === 0) account.countedSince = now.toISOString();
    const full = account.counts.size >= KEYS_MAX && !account.counts.has(what);
    const key = full ? 'others' : what;
    account.counts.set(key, (account.counts.get(key) ?? 0) + 1);
  }

  #changeWaiting(by: number): void {
    this.#waiting += by;
    auditPending.set(this.#waiting);
  }

  #schedule(afterMs: number): void {
    this.#timer ??= setTimeout(() => void this.#run(false), afterMs);
    this.#timer.unref();
  }
}
