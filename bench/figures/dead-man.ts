import { setTimeout as sleep } from 'node:timers/promises';

import pg from 'pg';

import { Child } from '../../platform/embedded/child.ts';
import { freePort } from '../../platform/embedded/process.ts';
import { trigger } from '../load.ts';
import { routingKey } from '../population.ts';
import { startBenchStack, type BenchStack } from '../stack.ts';

const PEOPLE = 500;
/** What a part has to be told within. */
const LIMIT_MS = 120_000;
const BACK_LIMIT_MS = 180_000;
const EVENTS_PER_SEC = 1;
const CANARY_SEC = 60;

export interface DeadMan {
  /** Of load and no fault. */
  readonly quietMinutes: number;
  readonly eventsPerSec: number;
  readonly falseAlarms: readonly string[];
  /** From a part's stop to the message that names it; null: none came within two minutes. */
  readonly toldSec: Readonly<Record<string, number | null>>;
}

interface Watched {
  readonly bench: BenchStack;
  readonly peerPid: () => number;
}

/** Stops a part; answers how it goes on. */
type Stop = (watched: Watched) => Promise<() => Promise<void>>;

/**
 * F13: how soon the operators are told of each part that stops, and of how many that do not, by two watchdogs that
 * watch each other. Starts an installation of its own.
 */
export async function deadMan(quietMinutes = 120): Promise<DeadMan> {
  const peerPort = await freePort();
  const bench = await startBenchStack(PEOPLE, {
    WATCHDOG_CANARY_INTERVAL_SEC: String(CANARY_SEC),
    WATCHDOG_PEERS: `http://127.0.0.1:${peerPort}`,
  });
  const peer = startPeer(bench, peerPort);
  try {
    await untilFirstCanary(bench);
    const told = bench.receiver.told.length;
    await load(bench, quietMinutes * 60);
    const falseAlarms = bench.receiver.told.slice(told).map(({ title }) => title);
    const toldSec: Record<string, number | null> = {};
    for (const [part, stop] of Object.entries(PARTS)) {
      toldSec[part] = await detect({ bench, peerPid: () => peer.pid ?? 0 }, part, stop);
      console.log(`${part}: told after ${toldSec[part] ?? 'never'} s`);
    }
    return { quietMinutes, eventsPerSec: EVENTS_PER_SEC, falseAlarms, toldSec };
  } finally {
    await peer.stop();
    await bench.stop();
  }
}

/** The other watchdog, without a canary of its own. */
function startPeer({ settings }: BenchStack, port: number): Child {
  const { root, dataDir, environment, config } = settings;
  const own = {
    WATCHDOG_PORT: String(port),
    WATCHDOG_PEERS: `http://127.0.0.1:${config.WATCHDOG_PORT}`,
    WATCHDOG_CANARY_KEY: '',
  };
  const peer = new Child({
    ...{ name: 'watchdog-2', script: 'watchdog/main.ts', root, dataDir },
    environment: { ...environment, ...own },
  });
  peer.start();
  return peer;
}

async function untilFirstCanary({ settings }: BenchStack): Promise<void> {
  const url = `http://127.0.0.1:${settings.config.WATCHDOG_PORT}/metrics`;
  for (let tries = 0; tries < 300; tries += 1) {
    const text = await (await fetch(url)).text();
    if (/pdlite_canary_latency_seconds_count [1-9]/.test(text)) return;
    await sleep(1000);
  }
  throw new Error('no canary arrived within five minutes');
}

/** Alerts that open and resolve in turn. */
async function load({ apiUrl }: BenchStack, seconds: number): Promise<void> {
  const startedAt = performance.now();
  for (let n = 0; n < seconds * EVENTS_PER_SEC; n += 1) {
    const waitMs = startedAt + (n * 1000) / EVENTS_PER_SEC - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    const action = Math.floor(n / PEOPLE) % 2 === 0 ? 'trigger' : 'resolve';
    const key = routingKey((n % PEOPLE) + 1);
    trigger(apiUrl, key, `f13-${n % PEOPLE}`, action).catch(() => undefined);
  }
}

async function detect(watched: Watched, part: string, stop: Stop): Promise<number | null> {
  const { receiver } = watched.bench;
  const from = receiver.told.length;
  const startedAt = performance.now();
  const goOn = await stop(watched);
  const find = (what: string) =>
    receiver.told.slice(from).find(({ title }) => title.includes(what) && title.includes(part));
  await receiver.until(() => find('down: ') !== undefined, LIMIT_MS).catch(() => undefined);
  const told = find('down: ');
  await goOn();
  if (!told) return null;
  await receiver.until(() => find('recovered: ') !== undefined, BACK_LIMIT_MS);
  return Math.round((told.at - startedAt) / 100) / 10;
}

const signal =
  (pidOf: (watched: Watched) => number | undefined): Stop =>
  (watched) => {
    const pid = pidOf(watched);
    if (pid === undefined || pid === 0) throw new Error('the process does not run');
    process.kill(pid, 'SIGSTOP');
    return Promise.resolve(() => {
      process.kill(pid, 'SIGCONT');
      return Promise.resolve();
    });
  };
const processNamed = (name: string): Stop =>
  signal(({ bench }) => bench.stack.processes().find((one) => one.name === name)?.pid);

/** The way to the canary's test contact leads nowhere. */
const breakDelivery: Stop = async ({ bench }) => {
  const url = new URL(bench.stack.superuserUrl());
  url.pathname = '/pdlite';
  const point = async (change: string): Promise<void> => {
    const client = new pg.Client({ connectionString: url.href });
    await client.connect();
    await client.query(
      `update contact_methods set address = ${change} where address like '%/canary%'`,
    );
    await client.end();
  };
  // Nobody listens there.
  await point(`replace(address, '127.0.0.1', '127.0.0.9')`);
  return () => point(`replace(address, '127.0.0.9', '127.0.0.1')`);
};

/** The push provider takes nothing any more, but for the operators. */
const breakProvider: Stop = async ({ bench: { receiver, apiUrl } }) => {
  receiver.refusesPages = true;
  for (let n = 1; n <= 10; n += 1) await trigger(apiUrl, routingKey(n), `f13-refused-${n}`);
  return () => {
    receiver.refusesPages = false;
    return Promise.resolve();
  };
};

/** A part is not reported twice within five minutes, so those that also stop others come later. */
const PARTS: Readonly<Record<string, Stop>> = {
  'delivery (canary)': breakDelivery,
  providers: breakProvider,
  'other watchdog': signal(({ peerPid }) => peerPid()),
  PostgreSQL: signal(({ bench }) => bench.stack.servers().postgres),
  intake: processNamed('api'),
  worker: processNamed('worker'),
  Temporal: signal(({ bench }) => bench.stack.servers().temporal),
};
