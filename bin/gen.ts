import { readFile, writeFile } from 'node:fs/promises';

import { configurationPage } from '../platform/config-page.ts';

/**
 * Writes what is generated from code: `npm run gen`. With `--check` it writes nothing and fails on a
 * difference, so that a page never says what the code no longer does.
 */
const pages: Readonly<Record<string, () => string>> = {
  'docs/configuration.md': configurationPage,
};

const check = process.argv.includes('--check');
for (const [file, make] of Object.entries(pages)) {
  const wanted = make();
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
