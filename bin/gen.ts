import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { pino } from 'pino';

import { migrate } from '../db/migrate.ts';
import { ensureRoles } from '../db/roles.ts';
import { configurationPage } from '../platform/config-page.ts';
import { startPostgres } from '../platform/embedded/postgres.ts';
import { roleUrls } from '../test/support/role-urls.ts';
import { dumpSchema } from './schema-dump.ts';

/**
 * Writes what is generated from code: `npm run gen`. With `--check` it writes nothing and fails on a
 * difference, so that a page never says what the code no longer does.
 */
const pages: Readonly<Record<string, () => string | Promise<string>>> = {
  'docs/configuration.md': configurationPage,
  'db/schema.sql': migratedSchema,
};

/** Of an empty PostgreSQL of its own, after all migrations. */
async function migratedSchema(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'pdlite-gen-'));
  const dataDir = path.join(folder, 'postgres');
  const settings = { fsync: 'off' };
  const postgres = await startPostgres({ dataDir, port: 0, log: console.log, settings });
  try {
    const urls = roleUrls(postgres.superuserUrl, 'pdlite');
    await ensureRoles(postgres.superuserUrl, urls);
    await migrate(urls.ownerUrl, { logger: pino({ level: 'silent' }) });
    return await dumpSchema(urls.ownerUrl);
  } finally {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

const check = process.argv.includes('--check');
for (const [file, make] of Object.entries(pages)) {
  const wanted = await make();
  const present = await readFile(file, 'utf8').catch(() => '');
  if (wanted === present) continue;
  if (check) {
    console.error(`${file} is not what the code says: run \`npm run gen\` and commit it.`);
    process.exitCode = 1;
  } else {
    await writeFile(file, wanted);
    console.log(`wrote ${file}`);
  }
}
