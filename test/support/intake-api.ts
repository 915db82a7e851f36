import { pino } from 'pino';
import { expect } from 'vitest';

import type { ApiDeps } from '../../api/deps.ts';
import { startApi, type RunningApi } from '../../api/server.ts';
import { openIntake } from '../../api/intake/open-intake.ts';
import { openDatabase } from '../../db/database.ts';
import { openDirectory } from '../../db/directory.ts';
import { openSpill, type SpillStore } from '../../db/spill.ts';
import { seed } from '../../db/seed.ts';
import { loadConfig, type Config } from '../../platform/config.ts';
import { createTestDatabase, type TestDatabase } from './postgres.ts';
import { devServer, type DevServer } from './temporal.ts';

/** Longest that the spill is waited for. */
const WAIT = { timeout: 30_000, interval: 20 };

/** The api as a server on real PostgreSQL and Temporal with the seeded accounts; no worker runs. */
export interface IntakeApi {
  readonly api: RunningApi;
  readonly deps: ApiDeps;
  readonly temporal: DevServer;
  /** REST key of the demo account. */
  readonly restKey: string;
  readonly urls: TestDatabase;
  /** Starts one more api that differs in these; by default with the same spill, null: without. */
  also(more: Partial<ApiDeps>, spill?: SpillStore | null): Promise<RunningApi>;
  /** Resolves when nothing is left in the spill. */
  drained(): Promise<void>;
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
  const store = openSpill(urls.intakeUrl, { logger });
  const closers: (() => Promise<void>)[] = [];
  const also = async (
    more: Partial<ApiDeps>,
    spill: SpillStore | null = store,
  ): Promise<RunningApi> => {
    const intake = openIntake({ ...deps, ...more }, spill);
    const api = await startApi({ ...deps, ...more }, intake.sink);
    closers.push(async () => {
      await api.close();
      await intake.close();
    });
    return api;
  };
  return {
    api: await also({}),
    deps,
    temporal,
    urls,
    restKey: seeded.find(({ subdomain }) => subdomain === 'demo')?.apiKey ?? '',
    also,
    drained: async () => {
      await expect.poll(async () => (await store.look([], 1000)).empty, WAIT).toBe(true);
    },
    close: async () => {
      await Promise.all(closers.map((close) => close()));
      await store.close();
      await directory.close();
      await database.close();
      await temporal.close();
    },
  };
}
