import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { Worker } from '@temporalio/worker';
import { pino } from 'pino';

import { createProjectionActivities } from '../../activities/projection.ts';
import { createApp } from '../../api/app.ts';
import type { ApiDeps } from '../../api/deps.ts';
import { openDatabase, type Database } from '../../db/database.ts';
import { openDirectory, type LiveDirectory } from '../../db/directory.ts';
import { seed } from '../../db/seed.ts';
import { loadConfig } from '../../platform/config.ts';
import { TASK_QUEUES } from '../../temporal-config/names.ts';
import { fakeActivities, newWorld, quietRuntime } from './incident-worker.ts';
import { createTestDatabase } from './postgres.ts';
import { devServer, workflowBundle, type DevServer } from './temporal.ts';

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What stands at this path of a JSON value; undefined where there is nothing. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (part, name) =>
      typeof part === 'object' && part !== null ? Reflect.get(part, name) : undefined,
    value,
  );
}

/** The id of the incident in an answer. */
export function incidentId({ body }: ApiAnswer): string {
  return String(at(body, 'incident', 'id'));
}

type AskAs = string | Readonly<Record<string, string>>;

/** The whole api over HTTP on real servers, and workers that run real incidents and page nobody. */
export interface IncidentApi {
  readonly url: string;
  /** Of the account `demo`. */
  readonly key: string;
  readonly directory: LiveDirectory;
  readonly database: Database;
  readonly temporal: DevServer;
  /** As the account of this name, `demo` unless given, or with further headers. */
  ask(method: string, path: string, body?: unknown, as?: AskAs): Promise<ApiAnswer>;
  /** The same without PostgreSQL. */
  askWithoutDatabase(method: string, path: string, body?: unknown): Promise<ApiAnswer>;
  whileWorking<T>(body: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

const logger = pino({ level: 'silent' });

/** `more` replaces parts of what the api is made of. */
export async function openIncidentApi(more: Partial<ApiDeps> = {}): Promise<IncidentApi> {
  quietRuntime();
  const urls = await createTestDatabase();
  const temporal = await devServer();
  const database = openDatabase(urls.appUrl, { poolMax: 4, logger });
  const gone = openDatabase('postgres://pdlite_app:x@127.0.0.1:1/none', { poolMax: 1, logger });
  const keys = new Map((await seed(database)).map((made) => [made.subdomain, made.apiKey]));
  const directory = await openDirectory(urls.directoryUrl, { logger });
  const config = { ...(more.config ?? loadConfig({})), TEMPORAL_NAMESPACE: temporal.namespace };
  const own = { logger, directory, temporal: temporal.client, now: () => new Date() };
  const deps = { ...own, ...more, config };
  const [usual, cut] = await Promise.all(
    [database, gone].map((one) => serve(createApp({ ...deps, database: one }))),
  );
  if (!usual || !cut) throw new Error('two servers were started');
  const call =
    (url: string) =>
    async (method: string, path: string, body?: unknown, as?: AskAs): Promise<ApiAnswer> => {
      const [account, more] = typeof as === 'string' ? [as, {}] : ['demo', as];
      const owner = directory.accounts().find(({ account: one }) => one.subdomain === account);
      const response = await fetch(url + path, {
        method,
        headers: {
          authorization: `Token token=${keys.get(account) ?? ''}`,
          'content-type': 'application/json',
          from: owner?.users.get(owner.account.ownerUserId)?.email ?? '',
          ...more,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const { status, headers } = response;
      return { status, headers, body: (await response.json()) as ApiAnswer['body'] };
    };
  return {
    url: usual.url,
    key: keys.get('demo') ?? '',
    directory,
    database,
    temporal,
    ask: call(usual.url),
    askWithoutDatabase: call(cut.url),
    whileWorking: (body) => work(temporal, database, body),
    async close() {
      await Promise.all([usual.close(), cut.close(), directory.close()]);
      await Promise.all([database.close(), gone.close(), temporal.close()]);
      await urls.drop();
    },
  };
}

async function serve(app: ReturnType<typeof createApp>) {
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await Promise.resolve();
    },
  };
}

async function work<T>(temporal: DevServer, database: Database, body: () => Promise<T>) {
  const metrics = { projectionLag: { observe: () => undefined } };
  const activities = {
    ...fakeActivities(newWorld(), temporal.client),
    ...createProjectionActivities({ database, logger, metrics }),
  };
  const { namespace, nativeConnection: connection } = temporal;
  const common = { connection, namespace, activities } as const;
  const decisions = await Worker.create({
    ...common,
    taskQueue: TASK_QUEUES.workflows,
    workflowBundle: await workflowBundle(),
  });
  const projections = await Worker.create({ ...common, taskQueue: TASK_QUEUES.projection });
  return decisions.runUntil(projections.runUntil(body()));
}
