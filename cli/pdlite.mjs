#!/usr/bin/env node
// `npx pdlite COMMAND`: runs the entry of that command on the Node that PD Lite brings, whatever Node the host has.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const commands = {
  start: ['platform/embedded/start.ts', 'run the whole product on this machine'],
  api: ['api/main.ts', 'run the api and the console'],
  worker: ['worker/main.ts', 'run the worker'],
  watchdog: ['watchdog/main.ts', 'run the watchdog'],
  'watchdog-seal': ['watchdog/seal.ts', '< contacts.json: seal the watchdog’s contact list'],
  simulators: ['simulators/main.ts', 'run the simulated phones and mailboxes'],
  migrate: ['db/main.ts', 'bring the database schema up to date (--seed: and add a demo account)'],
  rebuild: [
    'worker/rebuild.ts',
    'write the lists in PostgreSQL anew from the histories in Temporal (--account ID)',
  ],
  audit: ['db/audit-command.ts', 'verify | export: check the audit log, or write it to a file'],
  'audit-sign': ['worker/audit-sign.ts', 'sign the audit log, where the key is kept apart'],
  replay: ['worker/replay.ts', 'FILE: replay a history that the `temporal` CLI exported'],
};

function usage() {
  const lines = Object.entries(commands).map(([name, [, what]]) => `  ${name.padEnd(15)}${what}`);
  return `Usage: pdlite COMMAND\n\n${lines.join('\n')}\n\nConfiguration comes from the environment: docs/configuration.md lists every variable.`;
}

const [name, ...args] = process.argv.slice(2);
const command = Object.hasOwn(commands, name ?? '') ? commands[name] : undefined;
if (command === undefined) {
  const asked = name === undefined || ['help', '--help', '-h'].includes(name);
  if (asked) console.log(usage());
  else console.error(`pdlite knows no command ${name}.\n\n${usage()}`);
  process.exitCode = asked && name !== undefined ? 0 : 2;
} else {
  run(command[0]);
}

function run(entry) {
  const bundled = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));
  const node = existsSync(bundled) ? bundled : process.execPath;
  const child = spawn(node, [fileURLToPath(new URL(`../${entry}`, import.meta.url)), ...args], {
    stdio: 'inherit',
  });
  // The child decides how to end; Ctrl-C reaches it by the terminal.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.on('error', (error) => {
    console.error(`pdlite cannot run ${node}: ${error.message}`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? (signal === null ? 1 : 128);
  });
}
