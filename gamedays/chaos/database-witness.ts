import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { z } from 'zod';

import { openJsonLines } from '../../platform/json-lines.ts';
import type {
  ChangeRecord,
  DatabaseRecords,
  HealthRecord,
  ListedRecord,
} from '../ledgers/database-records.ts';
import type { FaultWindow } from '../ledgers/records.ts';
import type { PlannedAccount } from '../load/population.ts';
import { readFinals, readTeams } from './finals.ts';

export interface WitnessOptions {
  readonly apiUrls: readonly string[];
  /** Whose lists are read. */
  readonly accounts: readonly PlannedAccount[];
  /** With it changes are made. */
  readonly apiKey: string;
  /** Of its ledgers: `health`, `changes`, `listed`. */
  readonly folder: string;
  /** Incidents from before this instant are not looked for; milliseconds since 1970. */
  readonly since: number;
  /** Whether lists that showed this much show all that was accepted by an instant. */
  readonly isComplete: (listed: readonly ListedRecord[], acceptedBy: number) => boolean;
}

const EVERY_MS = 250;
/** While all is well only each fourth change is tried: every one is read anew by each process. */
const CALM = 4;
/** After a fault changes are tried as often as during it for so long. */
const EAGER_MS = 20_000;
const LIST_EVERY_MS = 2000;
/** Lists that are not complete so long after a fault are not waited for. */
const LISTS_MAX_MS = 240_000;
const HEALTH_LIMIT_MS = 2000;
const CHANGE_LIMIT_MS = 5000;

const healthSchema = z.object({ database: z.object({ mode: z.string() }) });
const problemSchema = z.object({ type: z.string() });

/**
 * Looks from outside how the product takes what happens to PostgreSQL: asks every api how it is, changes
 * something again and again, and reads the lists after each fault until they are complete.
 */
export class DatabaseWitness {
  readonly #options: WitnessOptions;
  readonly #health: Ledger<HealthRecord>;
  readonly #changes: Ledger<ChangeRecord>;
  readonly #listed: Ledger<ListedRecord>;
  readonly #shown = new Set<string>();
  readonly #on = new Set<string>();
  readonly #ended = new AbortController();
  readonly #underWay: Promise<void>[] = [];
  readonly #reading: Promise<void>[] = [];
  /** When the last fault ended, milliseconds since 1970. */
  #lastOver = 0;

  constructor(options: WitnessOptions) {
    this.#options = options;
    this.#health = new Ledger(path.join(options.folder, 'health.jsonl'));
    this.#changes = new Ledger(path.join(options.folder, 'changes.jsonl'));
    this.#listed = new Ledger(path.join(options.folder, 'listed.jsonl'));
  }

  start(): void {
    for (const url of this.#options.apiUrls)
      this.#underWay.push(this.#again(() => this.#askHealth(url)));
    this.#underWay.push(this.#again((n) => this.#change(n)));
  }

  /** Is told of every fault that begins or ends. */
  see({ id, to, database }: FaultWindow): void {
    if (!database) return;
    if (to === null) {
      this.#on.add(id);
      return;
    }
    this.#on.delete(id);
    this.#lastOver = to;
    this.#reading.push(this.#readLists(to));
  }

  /** Resolves when the lists are complete, or should have been: so many milliseconds after the last fault. */
  async untilListed(listsMs: number): Promise<void> {
    const late = this.#pause(this.#lastOver + listsMs - Date.now());
    await Promise.race([Promise.all(this.#reading), late]);
  }

  /** Looks no more. */
  async end(): Promise<void> {
    this.#ended.abort();
    await Promise.all([...this.#underWay, ...this.#reading]);
    for (const ledger of [this.#health, this.#changes, this.#listed]) ledger.close();
  }

  /** Everything it has seen, and what is there now of its changes. @throws Error when that cannot be read. */
  async tell(): Promise<DatabaseRecords> {
    const { apiUrls, apiKey } = this.#options;
    return {
      health: this.#health.records,
      changes: this.#changes.records,
      listed: this.#listed.records,
      kept: await readTeams(apiUrls[0] ?? '', apiKey),
    };
  }

  /** At fixed times, whatever becomes of earlier ones. */
  async #again(work: (n: number) => Promise<void>): Promise<void> {
    const begun = performance.now();
    const started: Promise<void>[] = [];
    for (let n = 0; !this.#ended.signal.aborted; n += 1) {
      started.push(work(n));
      await this.#pause(begun + (n + 1) * EVERY_MS - performance.now());
    }
    await Promise.all(started);
  }

  async #askHealth(url: string): Promise<void> {
    const mode = await fetch(`${url}/health/ready`, {
      signal: AbortSignal.timeout(HEALTH_LIMIT_MS),
    })
      .then(async (response) => healthSchema.parse(await response.json()).database.mode)
      .catch(() => null);
    this.#health.add({ api: url, at: Date.now(), mode });
  }

  async #change(n: number): Promise<void> {
    const isEager = this.#on.size > 0 || Date.now() < this.#lastOver + EAGER_MS;
    if (!isEager && n % CALM > 0) return;
    const { apiUrls, apiKey } = this.#options;
    const name = `Change ${n}`;
    const sentAt = Date.now();
    const result = await fetch(`${apiUrls[n % apiUrls.length] ?? ''}/teams`, {
      method: 'POST',
      headers: { authorization: `Token token=${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ team: { name } }),
      signal: AbortSignal.timeout(CHANGE_LIMIT_MS),
    })
      .then(resultOf)
      .catch(() => 'unknown' as const);
    this.#changes.add({ name, sentAt, endedAt: Date.now(), result });
  }

  /** Until they show all that was accepted by the end of the fault, or the next one begins. */
  async #readLists(endedAt: number): Promise<void> {
    const { apiUrls, accounts, since, isComplete } = this.#options;
    const until = endedAt + LISTS_MAX_MS;
    for (let n = 0; !this.#ended.signal.aborted && this.#on.size === 0; n += 1) {
      if (Date.now() > until) return;
      const url = apiUrls[n % apiUrls.length] ?? '';
      const shown = await readFinals(url, accounts, since).catch(() => []);
      const at = Date.now();
      for (const incident of shown) {
        const what = `${incident.id} ${incident.status}`;
        if (!this.#shown.has(what)) this.#listed.add({ ...incident, at });
        this.#shown.add(what);
      }
      if (isComplete(this.#listed.records, endedAt)) return;
      await this.#pause(LIST_EVERY_MS);
    }
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#ended;
    await sleep(Math.max(0, ms), undefined, { signal }).catch(() => undefined);
  }
}

/** Whoever is told that nothing was changed may rely on it; any other failure says nothing. */
async function resultOf(response: Response): Promise<ChangeRecord['result']> {
  if (response.status === 201) return 'made';
  if (response.status !== 503) return response.status < 500 ? 'refused' : 'unknown';
  const { type } = problemSchema.parse(await response.json());
  return type.endsWith('database-outcome-unknown') ? 'unknown' : 'refused';
}

/** What was seen, in memory and on disk. */
class Ledger<T> {
  readonly records: T[] = [];
  readonly #lines;

  constructor(file: string) {
    this.#lines = openJsonLines(file);
  }

  add(record: T): void {
    this.records.push(record);
    this.#lines.append(record);
  }

  close(): void {
    this.#lines.close();
  }
}
