import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { pino } from 'pino';
import type { TestProject } from 'vitest/node';

import { migrate } from '../../db/migrate.ts';
import { ensureRoles } from '../../db/roles.ts';
import { findTemporalCli } from '../../platform/embedded/find-temporal.ts';
import { startPostgres } from '../../platform/embedded/postgres.ts';
import { startTemporal } from '../../platform/embedded/temporal.ts';
import { roleUrls } from './role-urls.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Superuser of the one PostgreSQL of this run. */
    postgresUrl: string;
    /** `host:port` of the one Temporal development server of this run. */
    temporalAddress: string;
    temporalUiUrl: string;
  }
}

/** Starts what the integration tests share, side by side, and ends it after the last of them. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'pdlite-test-'));
  const stops: (() => Promise<void>)[] = [];
  const tearDown = async (): Promise<void> => {
    await Promise.all(stops.map((stop) => stop()));
    await rm(folder, { recursive: true, force: true });
  };
  const started = await Promise.allSettled([
    startDatabase(project, folder, stops),
    startEngine(project, stops),
  ]);
  const failed = started.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await tearDown();
    throw failed.reason;
  }
  return tearDown;
}

async function startDatabase(
  project: TestProject,
  folder: string,
  stops: (() => Promise<void>)[],
): Promise<void> {
  const postgres = await startPostgres({
    dataDir: path.join(folder, 'postgres'),
    port: 0,
    log: console.log,
    // Nothing of a test has to survive a power cut.
    settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' },
  });
  stops.push(() => postgres.stop());
  const urls = roleUrls(postgres.superuserUrl, 'pdlite_template');
  await ensureRoles(postgres.superuserUrl, urls);
  await migrate(urls.ownerUrl, { logger: pino({ level: 'silent' }) });
  project.provide('postgresUrl', postgres.superuserUrl);
}

async function startEngine(project: TestProject, stops: (() => Promise<void>)[]): Promise<void> {
  const executable = await findTemporalCli({ log: console.log });
  const options = { executable, port: 0, uiPort: 0, dbFile: null, log: console.log };
  const temporal = await startTemporal(options);
  stops.push(() => temporal.stop());
  project.provide('temporalAddress', temporal.address);
  project.provide('temporalUiUrl', temporal.uiUrl ?? '');
}
