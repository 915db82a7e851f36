import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { pino } from 'pino';

import { openDatabase } from '../../db/database.ts';
import { seed } from '../../db/seed.ts';
import { DEMO_KEYS } from '../../db/seed-accounts.ts';
import { freePort } from '../../platform/embedded/process.ts';
import { hashKey } from '../../platform/ids.ts';
import { connectTemporal, type TemporalConnection } from '../../temporal-config/client.ts';
import { SEARCH_ATTRIBUTES } from '../../temporal-config/names.ts';
import { OwnPostgres } from './own-postgres.ts';
import { OwnTemporal } from './own-temporal.ts';
import { ProductProcess } from './product-process.ts';

/** One answer that a sender got. */
export interface Answered {
  readonly status: number;
  readonly ms: number;
  readonly retryAfter: string | null;
  readonly text: string;
}

export type Action = 'trigger' | 'acknowledge' | 'resolve';

/** What PostgreSQL knows of the incidents of one key, the oldest first. */
export interface KnownIncident {
  readonly key: string;
  readonly status: string;
  readonly triggers: number;
  /** Types of its log entries, in order, without those of single pages. */
  readonly log: readonly string[];
}

/** How long a well-behaved sender waits after a refusal. */
const RETRY_MS = 200;

/** Two api processes and a worker on a Temporal and a PostgreSQL that are this test's own. */
export class IntakeWorld {
  readonly temporal: OwnTemporal;
  readonly postgres: OwnPostgres;
  readonly apis: readonly [ApiProcess, ApiProcess];
  readonly #worker: ProductProcess;
  readonly #dataDir: string;
  readonly #engine: TemporalConnection;

  private constructor(parts: {
    readonly temporal: OwnTemporal;
    readonly postgres: OwnPostgres;
    readonly apis: readonly [ApiProcess, ApiProcess];
    readonly worker: ProductProcess;
    readonly dataDir: string;
  }) {
    this.temporal = parts.temporal;
    this.postgres = parts.postgres;
    this.apis = parts.apis;
    this.#worker = parts.worker;
    this.#dataDir = parts.dataDir;
    const there = { TEMPORAL_ADDRESS: parts.temporal.address, TEMPORAL_NAMESPACE: 'default' };
    const logger = pino({ level: 'silent' });
    this.#engine = connectTemporal(
      { ...there, TEMPORAL_TLS: false, TEMPORAL_API_KEY: undefined },
      { logger },
    );
  }

  static async start(): Promise<IntakeWorld> {
    const [temporal, postgres] = await Promise.all([OwnTemporal.start(), OwnPostgres.start()]);
    const { urls } = postgres;
    const dataDir = await mkdtemp(path.join(tmpdir(), 'pdlite-intake-'));
    const database = openDatabase(urls.appUrl, { poolMax: 1, logger: pino({ level: 'silent' }) });
    await seed(database);
    await database.close();
    const environment = {
      ...{ DATABASE_URL: urls.appUrl, DIRECTORY_DATABASE_URL: urls.directoryUrl },
      ...{ INTAKE_DATABASE_URL: urls.intakeUrl, TEMPORAL_ADDRESS: temporal.address },
      ...{ LOG_LEVEL: 'warn', DATA_DIR: dataDir },
    };
    const port = String(await freePort());
    const ready = `http://127.0.0.1:${port}/health/ready`;
    const own = { ...environment, WORKER_METRICS_PORT: port };
    const worker = new ProductProcess('worker/main.ts', own, ready);
    const apis = [await ApiProcess.make(environment), await ApiProcess.make(environment)] as const;
    await Promise.all([worker, ...apis].map((one) => one.start()));
    return new IntakeWorld({ temporal, postgres, apis, worker, dataDir });
  }

  /** Posts one event to one of the apis. */
  async send(api: 0 | 1, dedupKey: string, action: Action): Promise<Answered> {
    return this.apis[api].post('/v2/enqueue', {
      ...{ routing_key: DEMO_KEYS.eventsV2, event_action: action, dedup_key: dedupKey },
      ...(action === 'trigger' && {
        payload: { summary: dedupKey, source: 'test', severity: 'critical' },
      }),
    });
  }

  /** Sends the actions of a key one after the other, to the apis in turns, each until it is taken. */
  async sendAll(dedupKey: string, actions: readonly Action[]): Promise<readonly Answered[]> {
    const answers: Answered[] = [];
    for (const [n, action] of actions.entries()) {
      for (let taken = false; !taken;) {
        const answer = await this.send(n % 2 === 0 ? 0 : 1, dedupKey, action);
        answers.push(answer);
        taken = answer.status === 202;
        if (!taken) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    return answers;
  }

  /** Incidents that Temporal has of these keys, whatever PostgreSQL knows. */
  async started(keys: readonly string[]): Promise<number> {
    const hashes = keys.map((key) => `"${hashKey(key).slice(0, 32)}"`);
    const query = `${SEARCH_ATTRIBUTES.dedupKey} in (${hashes.join(', ')})`;
    return (await this.#engine.client.workflow.count(query)).count;
  }

  async spilled(): Promise<number> {
    const [row] = await this.postgres.ask('select count(*)::int as n from spill');
    return Number(row?.['n']);
  }

  /** The api that drains, or drained last. @throws Error when none has. */
  async drainer(): Promise<ApiProcess> {
    const [row] = await this.postgres.ask('select holder from spill_lease');
    const found = this.apis.find(({ pid }) => String(row?.['holder']).includes(`/${pid}/`));
    if (!found) throw new Error(`no api is ${String(row?.['holder'])}`);
    return found;
  }

  /** Incidents whose key begins so. */
  async incidents(prefix: string): Promise<readonly KnownIncident[]> {
    const rows = await this.postgres.ask(`
      select i.incident_key as key, i.status, (i.view #>> '{alerts,0,count}')::int as triggers,
        (select array_agg(l.type order by l.seq) from log_entries l
          where l.incident_id = i.id and l.type not like '%notify%') as log
      from incidents i where i.incident_key like '${prefix}%' order by i.created_at`);
    return rows as unknown as readonly KnownIncident[];
  }

  async close(): Promise<void> {
    this.temporal.resume();
    await this.#engine.close();
    await Promise.all([...this.apis, this.#worker].map((one) => one.kill()));
    await Promise.all([this.temporal.close(), this.postgres.close()]);
    await rm(this.#dataDir, { recursive: true, force: true });
  }
}

/** One api process. */
class ApiProcess extends ProductProcess {
  readonly url: string;

  private constructor(environment: Readonly<Record<string, string>>, url: string) {
    super('api/main.ts', environment, `${url}/health/ready`);
    this.url = url;
  }

  static async make(common: Readonly<Record<string, string>>): Promise<ApiProcess> {
    const [api, smtp, metrics] = await Promise.all([freePort(), freePort(), freePort()]);
    const ports = {
      ...{ API_PORT: String(api), INBOUND_SMTP_PORT: String(smtp) },
      API_METRICS_PORT: String(metrics),
    };
    return new ApiProcess({ ...common, ...ports }, `http://127.0.0.1:${api}`);
  }

  async post(path: string, body: unknown): Promise<Answered> {
    const startedAt = performance.now();
    const response = await fetch(this.url + path, { method: 'POST', body: JSON.stringify(body) });
    const text = await response.text();
    const ms = performance.now() - startedAt;
    return { status: response.status, ms, retryAfter: response.headers.get('retry-after'), text };
  }
}
