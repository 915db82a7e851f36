// `npm start` as a person lives with it: a second one on the same data is refused in a sentence, one that was
// killed leaves nothing that pages or keeps ports for ever, and the next one goes on with the open incident.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, expect, test, vi } from 'vitest';

import { inheritedEnvironment } from '../../platform/config.ts';
import { endProcess, freePort } from '../../platform/embedded/process.ts';
import { identityOf } from '../../platform/embedded/process-identity.ts';
import { at } from '../support/incident-api.ts';
import { People } from '../support/simulators.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const PORTS = [
  ...['API_PORT', 'API_METRICS_PORT', 'WORKER_METRICS_PORT', 'INBOUND_SMTP_PORT'],
  ...[
    'SIMULATORS_PORT',
    'SIMULATORS_SMTP_PORT',
    'SIMULATORS_SMTP_2_PORT',
    'EMBEDDED_POSTGRES_PORT',
  ],
  ...['EMBEDDED_TEMPORAL_PORT', 'EMBEDDED_TEMPORAL_UI_PORT', 'WATCHDOG_PORT'],
  'WATCHDOG_CANARY_PORT',
];
// A whole start, on a machine that does much else.
vi.setConfig({ testTimeout: 150_000 });
const LIMIT = { timeout: 60_000, interval: 50 };
const DEMO_EVENTS_KEY = 'd3m0d3m0d3m0d3m0d3m0d3m0d3m0d3m0';
const DEMO_REST_KEY = 'pdl_OnlyForTheDemoAccountOfPdLite00000000000000_1b7f';
const started: Starter[] = [];
let environment: Record<string, string>;

beforeAll(async () => {
  environment = {
    ...(await freePorts()),
    DATA_DIR: await mkdtemp(path.join(tmpdir(), 'pdlite-start-')),
  };
});
afterAll(async () => {
  for (const starter of started) await endProcess(starter.child, 'SIGTERM', 60_000);
  await rm(environment['DATA_DIR'] ?? '', { recursive: true, force: true });
});

/** What `npm start` runs, and all that it has printed. */
class Starter {
  readonly child: ChildProcess;
  output = '';

  constructor(changes: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, ['platform/embedded/start.ts'], {
      cwd: root,
      env: { ...inheritedEnvironment(), ...environment, ...changes },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const collect = (chunk: Buffer): void => void (this.output += chunk.toString());
    this.child.stdout?.on('data', collect);
    this.child.stderr?.on('data', collect);
    started.push(this);
  }

  async says(text: string): Promise<void> {
    await expect.poll(() => this.output, LIMIT).toContain(text);
  }

  /** Its exit code. */
  async ended(): Promise<number | null> {
    await expect.poll(() => this.child.exitCode ?? this.child.signalCode, LIMIT).not.toBeNull();
    return this.child.exitCode;
  }
}

async function freePorts(): Promise<Record<string, string>> {
  const ports = PORTS.map(async (name) => [name, String(await freePort())] as const);
  return Object.fromEntries(await Promise.all(ports));
}

const url = (port: string, rest: string): string =>
  `http://127.0.0.1:${environment[port] ?? ''}${rest}`;

/** Process ids of the run, by name. */
async function noted(): Promise<Record<string, number>> {
  const file = path.join(environment['DATA_DIR'] ?? '', 'run.json');
  const run: unknown = JSON.parse(await readFile(file, 'utf8'));
  const processes = at(run, 'processes') as readonly { name: string; pid: number }[];
  return Object.fromEntries(processes.map(({ name, pid }) => [name, pid]));
}

const lives = (pid: number | undefined): boolean => identityOf(pid ?? 0) !== null;

async function statuses(): Promise<readonly unknown[]> {
  const headers = { authorization: `Token token=${DEMO_REST_KEY}` };
  const answer: unknown = await (await fetch(url('API_PORT', '/incidents'), { headers })).json();
  return (at(answer, 'incidents') as unknown[]).map((incident) => at(incident, 'status'));
}

test('a first run comes up, pages somebody, and starts a killed process again', async () => {
  const first = new Starter();
  await first.says('PD Lite is running (first run: a demo account was made)');
  const before = await noted();
  process.kill(before['api'] ?? 0, 'SIGKILL');
  await first.says('! api ended (SIGKILL); starting it again');
  await expect.poll(() => answers(url('API_PORT', '/health/ready')), LIMIT).toBe(true);
  expect((await noted())['api']).not.toBe(before['api']);
  const event = {
    ...{ routing_key: DEMO_EVENTS_KEY, event_action: 'trigger' },
    payload: { summary: 'Checkout is failing', source: 'checkout-1', severity: 'critical' },
  };
  const body = JSON.stringify(event);
  const headers = { 'content-type': 'application/json' };
  const sent = await fetch(url('API_PORT', '/v2/enqueue'), { method: 'POST', headers, body });
  expect(sent.status).toBe(202);
  await new People(url('SIMULATORS_PORT', '')).phone('+15005550103').expectSms(/Checkout is fail/);
});

test('a second one on the same data is refused in one sentence', async () => {
  const second = new Starter(await freePorts());
  expect(await second.ended()).toBe(1);
  expect(second.output.trim()).toBe(
    `✗ PD Lite already runs on ${environment['DATA_DIR'] ?? ''} (process ${started[0]?.child.pid ?? 0}). Use that one, ` +
      `stop it with Ctrl-C or \`kill ${started[0]?.child.pid ?? 0}\`, or start this one with another DATA_DIR and other ports.`,
  );
});

test('what pages ends with a starter that is killed, and the next start goes on', async () => {
  const left = await noted();
  started[0]?.child.kill('SIGKILL');
  for (const name of ['api', 'worker', 'simulators']) {
    await expect.poll(() => lives(left[name]), LIMIT).toBe(false);
  }
  expect([lives(left['temporal']), lives(left['postgres'])]).toEqual([true, true]);
  const next = new Starter();
  await next.says('An earlier run was killed; ending what it left: ');
  await next.says('PD Lite is running.');
  expect([lives(left['temporal']), lives(left['postgres'])]).toEqual([false, false]);
  await expect.poll(statuses, LIMIT).toEqual(['triggered']);
});

test('closing the terminal stops everything in order', async () => {
  const running = await noted();
  const last = started.at(-1);
  last?.child.kill('SIGHUP');
  expect(await last?.ended()).toBe(0);
  expect(Object.values(running).filter(lives)).toEqual([]);
  expect(last?.output).toContain('Temporal and PostgreSQL stopped. `npm start` goes on');
  await expect(noted()).rejects.toThrow('ENOENT');
});

test('a taken port ends the start before anything has begun', async () => {
  const server = createServer();
  const port = Number(environment['SIMULATORS_PORT']);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const starter = new Starter();
  expect(await starter.ended()).toBe(1);
  expect(starter.output.trim()).toMatch(
    /^✗ Port \d+ is taken, .* or choose another port: SIMULATORS_PORT=\d+ npm start$/,
  );
  server.close();
});

function answers(address: string): Promise<boolean> {
  return fetch(address).then(
    ({ ok }) => ok,
    () => false,
  );
}
