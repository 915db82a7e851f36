// Installs the dependencies when they are missing or not those of the lock file, so that `npm start` and
// `npm test` work on a fresh clone. Runs on any Node that npm runs on; the rest of PD Lite then runs on
// the Node 24 that this installs.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const stamp = new URL('../node_modules/.pdlite-lock', import.meta.url);
const lock = createHash('sha256')
  .update(readFileSync(new URL('../package-lock.json', import.meta.url)))
  .digest('hex');

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== lock) {
  console.log('Installing dependencies (the first time this takes about a minute) …');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const run = (...args) =>
    spawnSync(npm, [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: root,
      stdio: ['ignore', 'inherit', args[0] === 'ci' ? 'ignore' : 'inherit'],
    });
  // `npm ci` refuses a lock file that lacks another platform's optional package, which a registry may not
  // serve yet; `npm install` keeps to the same locked versions and passes over those.
  let result = run('ci');
  if (result.status !== 0) result = run('install', '--no-save');
  if (result.status !== 0) {
    console.error(
      'Installing failed: see the message of npm above, mend it, and run the same command again.',
    );
    process.exit(1);
  }
  writeFileSync(stamp, lock);
}
