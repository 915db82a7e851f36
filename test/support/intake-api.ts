import { pino } from 'pino';

import type { ApiDeps } from '../../api/deps.ts';
import { startApi, type RunningApi } from '../../api/server.ts';
import { openDatabase } from '../../db/database.ts';
import { openDirectory } from '../../db/directory.ts';
import { seed } from '../../db/seed.ts';
import { loadConfig, type Config } from '../../platform/config.ts';
import { createTestDatabase } from './postgres.ts';
import { devServer, type DevServer } from './temporal.ts';

/** The api as a server on real PostgreSQL and Temporal with the seeded accounts; no worker runs. */
export interface IntakeApi {
  readonly api: RunningApi;
  readonly deps: ApiDeps;
  readonly temporal: DevServer;
  /** REST key of the demo account. */
  readonly restKey: string;
  /** Starts one more api that differs in these. */
  also(more: Partial<ApiDeps>): Promise<RunningApi>;
  close(): Promise<void>;
}

export async function openIntakeApi(settings: Partial<Config> = {}): Promise<IntakeApi> {
  const logger = pino({ level: 'silent' });
  const [urls, temporal] = await Promise.all([createTestDatabase(), devServer()]);
  const database = openDatabase(urls.appUrl, { poolMax: 4, logger });
  const seeded = await seed(database);
  const directory = await openDirectory(urls.directoryUrl, { logger });
  const config = {
    ...loadConfig({}),
    API_PORT: 0,
    TEMPORAL_NAMESPACE: temporal.namespace,
    ...settings,
  };
  const now = (): Date => new Date();
  const deps: ApiDeps = { config, logger, directory, database, temporal: temporal.client, now };
  const started: RunningApi[] = [];
  const also = async (more: Partial<ApiDeps>): Promise<RunningApi> => {
    const api = await startApi({ ...deps, ...more });
    started.push(api);
    return api;
  };
  return {
    api: await also({}),
    deps,
    temporal,
    restKey: seeded.find(({ subdomain }) => subdomain === 'demo')?.apiKey ?? '',
    also,
    close: async () => {
      await Promise.all(started.map((api) => api.close()));
      await directory.close();
      await database.close();
      await temporal.close();
    },
  };
}
