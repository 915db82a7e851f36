import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

import { inheritedEnvironment } from '../platform/config.ts';
import { freePort } from '../platform/embedded/process.ts';
import { readSettings, type Settings } from '../platform/embedded/settings.ts';
import { Stack } from '../platform/embedded/stack.ts';
import { populate } from './population.ts';
import { Receiver } from './receiver.ts';

export interface BenchStack {
  readonly settings: Settings;
  readonly stack: Stack;
  readonly receiver: Receiver;
  readonly apiUrl: string;
  stop(): Promise<void>;
}

const PORTS = [
  'API_PORT',
  'SIMULATORS_PORT',
  'SIMULATORS_SMTP_PORT',
  'SIMULATORS_SMTP_2_PORT',
  'INBOUND_SMTP_PORT',
  'API_METRICS_PORT',
  'WORKER_METRICS_PORT',
  'WATCHDOG_PORT',
  'WATCHDOG_CANARY_PORT',
  'EMBEDDED_TEMPORAL_PORT',
  'EMBEDDED_TEMPORAL_UI_PORT',
  'EMBEDDED_POSTGRES_PORT',
] as const;

const INTERRUPTS = ['SIGINT', 'SIGTERM'] as const;

/** An environment with free ports and a new data folder: a stack of its own, beside any other. */
export async function freshEnvironment(): Promise<Record<string, string>> {
  const ports = await Promise.all(PORTS.map(async (name) => [name, String(await freePort())]));
  return {
    ...inheritedEnvironment(),
    ...(Object.fromEntries(ports) as Record<string, string>),
    DATA_DIR: await mkdtemp(path.join(tmpdir(), 'pdlite-bench-')),
  };
}

/** The embedded product as `npm start` runs it, with `people` to page and a push provider that takes the time. */
export async function startBenchStack(
  people: number,
  more: Readonly<Record<string, string>> = {},
): Promise<BenchStack> {
  const receiver = new Receiver();
  const pushUrl = await receiver.listen();
  const environment = await freshEnvironment();
  const settings = await readSettings({
    ...environment,
    PROVIDERS: JSON.stringify([
      { id: 'ntfy', kind: 'ntfy', baseUrl: pushUrl },
      { id: 'webhook', kind: 'webhook' },
    ]),
    LOG_LEVEL: 'warn',
    ...more,
  });
  const stack = new Stack(settings);
  const stop = async () => {
    for (const signal of INTERRUPTS) process.off(signal, interrupted);
    await stack.stop();
    receiver.close();
    await rm(settings.dataDir, { recursive: true, force: true });
  };
  // The engine would outlive us, on a port and in a folder that nobody knows.
  const interrupted = () => {
    void stop().finally(() => process.exit(130));
  };
  for (const signal of INTERRUPTS) process.on(signal, interrupted);
  await stack.start();
  await populate(stack.superuserUrl(), people);
  const apiUrl = `http://127.0.0.1:${settings.config.API_PORT}`;
  await new Promise((resolve) => setTimeout(resolve, 3000));
  return { settings, stack, receiver, apiUrl, stop };
}
