// Property: db/schema.sql says what the migrations make, so that a review sees what a migration does.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { dumpSchema } from '../../bin/schema-dump.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

const file = fileURLToPath(new URL('../../db/schema.sql', import.meta.url));
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('the schema in the repository is the one that the migrations make', async () => {
  const made = await dumpSchema(database.superuserUrl);
  if (process.env['UPDATE'] === '1') await writeFile(file, made);
  const kept = await readFile(file, 'utf8').catch(() => '');
  expect(kept === made, changes(kept, made)).toBe(true);
});

test('what is dumped names every kind of thing that guards a tenant', async () => {
  const made = await dumpSchema(database.ownerUrl);
  expect(made).toContain('alter table users force row level security;');
  expect(made).toMatch(
    /create policy users_tenant on users for all to public using \(.*current_account/,
  );
  expect(made).toMatch(/grant delete, insert, select, update on users to pdlite_app;/);
  expect(made).toContain('CREATE OR REPLACE FUNCTION public.current_account()');
  expect(made).toMatch(/CREATE TRIGGER users_directory .* bump_directory\(\);/);
});

function changes(kept: string, made: string): string {
  const [had, has] = [kept, made].map((text) => new Set(text.split('\n')));
  const lines = [
    ...made
      .split('\n')
      .filter((line) => !had?.has(line))
      .map((line) => `+ ${line}`),
    ...kept
      .split('\n')
      .filter((line) => !has?.has(line))
      .map((line) => `- ${line}`),
  ].slice(0, 40);
  return `db/schema.sql is not what the migrations make. Run \`npm run gen\` and commit it.\n${lines.join('\n')}\n`;
}
