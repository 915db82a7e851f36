// A fault never outlives its owner by more than its lease, and the death of the agent that causes faults leaves none on.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { FaultClient } from '../../gamedays/faults/client.ts';
import type { Fault, FaultLine } from '../../gamedays/faults/fault.ts';
import { startPostgres, type EmbeddedPostgres } from '../../platform/embedded/postgres.ts';
import { endProcess, freePort } from '../../platform/embedded/process.ts';
import { readJsonLines } from '../../platform/json-lines.ts';
import { startTestSimulators } from '../support/simulators.ts';

const TOKEN = 'token-of-the-fault-agent';
const SHORT_MS = 1500;
const LONG_MS = 10_000;
const children: ChildProcess[] = [];
let folder: string;
let postgres: EmbeddedPostgres;
let simulators: Awaited<ReturnType<typeof startTestSimulators>>;
let dependency: Server;
let agent: ChildProcess;
let client: FaultClient;
let ports: { control: number; held: number; dropped: number };

function run(script: string, args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  return child;
}

async function startAgent(): Promise<void> {
  agent = run('gamedays/faults/main.ts', [path.join(folder, 'agent.json')]);
  await once(agent.stdout ?? agent, 'data');
}

/** Starts a process that holds these faults, and resolves when they are on. */
async function startOwner(faults: readonly (readonly [Fault, number])[]): Promise<ChildProcess> {
  const url = `http://127.0.0.1:${ports.control}`;
  const owner = run('test/chaos/fault-owner.ts', [url, TOKEN, JSON.stringify(faults)]);
  await once(owner.stdout ?? owner, 'data');
  return owner;
}

async function victim(name: string): Promise<number> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  children.push(child);
  await once(child, 'spawn');
  await client.nameProcess(name, child.pid ?? 0);
  return child.pid ?? 0;
}

async function stateOf(pid: number): Promise<string> {
  const ps = spawn('ps', ['-o', 'state=', '-p', `${pid}`], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [output] = (await once(ps.stdout, 'data')) as [Buffer];
  return output.toString().trim()[0] ?? '';
}

async function isReadOnly(): Promise<boolean> {
  const one = new pg.Client({ connectionString: postgres.superuserUrl });
  await one.connect();
  const { rows } = await one.query<{ transaction_read_only: string }>('show transaction_read_only');
  await one.end();
  return rows[0]?.transaction_read_only === 'on';
}

const clockFile = (): string => path.join(folder, 'clocked.clock');
const clockOff = async (): Promise<string> => (await readFile(clockFile(), 'utf8')).trim();

function ledger(): readonly FaultLine[] {
  return readJsonLines(path.join(folder, 'faults.jsonl')) as readonly FaultLine[];
}

/** Milliseconds from this instant to the end of each fault, by its kind, and why it ended. */
function ends(sinceMs: number): Record<string, { afterMs: number; why: string }> {
  const on = new Map(
    ledger().flatMap((line) => (line.phase === 'on' ? [[line.id, line.fault]] : [])),
  );
  return Object.fromEntries(
    ledger().flatMap((line) =>
      line.phase === 'off' && line.at >= sinceMs
        ? [[on.get(line.id)?.kind, { afterMs: line.at - sinceMs, why: line.why }]]
        : [],
    ),
  ) as Record<string, { afterMs: number; why: string }>;
}

function fetched(port: number): Promise<number> {
  return fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } }).then(
    ({ status }) => status,
    () => 0,
  );
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'pdlite-leases-'));
  dependency = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end('HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n');
  }).listen(0, '127.0.0.1');
  const [control, held, dropped] = await Promise.all([freePort(), freePort(), freePort()]);
  ports = { control, held, dropped };
  client = new FaultClient({ url: `http://127.0.0.1:${control}`, token: TOKEN });
  const settings = { fsync: 'off', max_connections: '20' };
  [postgres, simulators] = await Promise.all([
    startPostgres({
      ...{ dataDir: path.join(folder, 'postgres'), port: 0, settings, log: () => undefined },
    }),
    startTestSimulators({ twilioSid: 'AC1', twilioToken: 't', smsUrl: '', replySmtp: '' }),
  ]);
  const targets = [`127.0.0.1:${(dependency.address() as AddressInfo).port}`];
  await writeFile(
    path.join(folder, 'agent.json'),
    JSON.stringify({
      ...{ port: control, token: TOKEN, ledgerFile: path.join(folder, 'faults.jsonl') },
      links: { held: { port: held, targets }, dropped: { port: dropped, targets } },
      simulators: { vendors: simulators.url },
      postgres: { app: postgres.superuserUrl },
      clocks: { clocked: clockFile() },
    }),
  );
  await startAgent();
});
afterAll(async () => {
  for (const child of children) {
    child.kill('SIGCONT');
    await endProcess(child, 'SIGKILL', 1000);
  }
  await simulators.close();
  await postgres.stop();
  dependency.close();
  await rm(folder, { recursive: true, force: true });
});

test('the owner is killed: every kind of fault ends within its lease; what a living owner holds stays', async () => {
  const pid = await victim('frozen');
  const held = await client.on({ kind: 'reset', link: 'held' }, SHORT_MS);
  const mood = { door: 'sms', kind: 'status', status: 500 };
  const owner = await startOwner([
    [{ kind: 'refuse', link: 'dropped' }, LONG_MS],
    [{ kind: 'stop', process: 'frozen' }, SHORT_MS],
    [{ kind: 'mood', simulators: 'vendors', mood }, SHORT_MS],
    [{ kind: 'read_only', postgres: 'app' }, SHORT_MS],
    [{ kind: 'clock', process: 'clocked', offsetMs: -9_000_500 }, SHORT_MS],
  ]);
  expect([await fetched(ports.dropped), await fetched(ports.held)]).toEqual([0, 0]);
  expect([await stateOf(pid), await isReadOnly(), await clockOff()]).toEqual([
    ...['T', true, '-9000.5'],
  ]);
  await endProcess(owner, 'SIGKILL', 1000);
  const killedAt = Date.now();
  const limit = { timeout: LONG_MS + 2000, interval: 50 };
  await expect.poll(async () => (await client.list()).length, limit).toBe(1);
  const ended = ends(killedAt);
  for (const kind of ['stop', 'mood', 'read_only', 'clock']) {
    expect(ended[kind]).toMatchObject({ why: 'expired' });
    expect(ended[kind]?.afterMs).toBeLessThan(SHORT_MS + 500);
  }
  expect(ended['refuse']).toMatchObject({ why: 'expired' });
  expect(ended['refuse']?.afterMs).toBeLessThan(LONG_MS + 500);
  expect([await fetched(ports.dropped), await fetched(ports.held)]).toEqual([204, 0]);
  expect([await stateOf(pid), await isReadOnly()]).not.toEqual(['T', true]);
  expect(await clockOff()).toBe('+0');
  expect(await (await fetch(`${simulators.url}/control/moods`)).json()).toEqual({ moods: [] });
  await held.off();
  expect(await fetched(ports.held)).toBe(204);
});

test('the agent is killed: the next one ends what was on, and says so in the ledger', async () => {
  const pid = await victim('left');
  await client.on({ kind: 'stop', process: 'left' });
  await client.on({ kind: 'read_only', postgres: 'app' });
  await client.on({ kind: 'hang', link: 'held', direction: 'both' });
  await client.on({ kind: 'clock', process: 'clocked', offsetMs: 60_000 });
  const killedAt = Date.now();
  await endProcess(agent, 'SIGKILL', 1000);
  expect([await stateOf(pid), await isReadOnly()]).toEqual(['T', true]);
  await startAgent();
  await expect
    .poll(() => Object.keys(ends(killedAt)).sort())
    .toEqual(['clock', 'hang', 'read_only', 'stop']);
  expect(Object.values(ends(killedAt)).map(({ why }) => why)).toEqual(
    Array.from({ length: 4 }, () => 'agent restarted'),
  );
  expect([(await stateOf(pid)) === 'T', await isReadOnly()]).toEqual([false, false]);
  expect([await fetched(ports.held), await clockOff()]).toEqual([204, '+0']);
  expect(ledger().map(({ seq }) => seq)).toEqual(ledger().map((_, n) => n + 1));
});

test('nobody causes faults without the token, at an unknown place, or twice at one place', async () => {
  const stranger = new FaultClient({ url: `http://127.0.0.1:${ports.control}`, token: 'guessed' });
  await expect(stranger.on({ kind: 'reset', link: 'held' })).rejects.toThrow('401');
  await expect(client.on({ kind: 'reset', link: 'elsewhere' })).rejects.toThrow('no link');
  await expect(client.on({ kind: 'stop', process: 'init' })).rejects.toThrow('No process');
  const clock = { kind: 'clock', process: 'other', offsetMs: 1 } as const;
  await expect(client.on(clock)).rejects.toThrow('no clocks');
  await expect(client.on({ kind: 'reset', link: 'held' }, LONG_MS + 1)).rejects.toThrow('400');
  const held = await client.on({ kind: 'reset', link: 'held' });
  await expect(client.on({ kind: 'refuse', link: 'held' })).rejects.toThrow('409');
  await held.off();
});

test('a link leads elsewhere for good, and a fault of it ends without leading back', async () => {
  await client.lead('dropped', ['127.0.0.1:1']);
  expect(await fetched(ports.dropped)).toBe(0);
  await (await client.on({ kind: 'refuse', link: 'dropped' })).off();
  expect(await fetched(ports.dropped)).toBe(0);
  await client.lead('dropped', [`127.0.0.1:${ports.held}`]);
  expect(await fetched(ports.dropped)).toBe(204);
  await expect(client.lead('elsewhere', ['127.0.0.1:1'])).rejects.toThrow('no link');
  await expect(client.lead('held', [])).rejects.toThrow('400');
});
