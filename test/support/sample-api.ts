import { pino } from 'pino';

import { createApp } from '../../api/app.ts';
import type { ApiDeps } from '../../api/deps.ts';
import type { IntakeSink, RoutedEvent } from '../../api/intake/sink.ts';
import { loadConfig } from '../../platform/config.ts';
import { connectTemporal } from '../../temporal-config/client.ts';
import { memoryDirectory, sampleAccount } from './memory-directory.ts';

/** The api on a fixed directory, without PostgreSQL and Temporal, and a sink that remembers. */
export function sampleApi(more: Partial<ApiDeps> = {}) {
  const stored: RoutedEvent[] = [];
  let failure: Error | null = null;
  const sink: IntakeSink = {
    accept: (events) => {
      if (failure) return Promise.reject(failure);
      stored.push(...events);
      return Promise.resolve('stored');
    },
  };
  const logger = pino({ level: 'silent' });
  const config = loadConfig({ TEMPORAL_ADDRESS: '127.0.0.1:1' });
  const deps: ApiDeps = {
    config,
    logger,
    directory: memoryDirectory([sampleAccount()]),
    database: {
      inAccount: () =>
        Promise.reject(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })),
      mode: () => 'unavailable',
      outage: () => null,
      untilWritable: () => Promise.resolve(false),
      close: () => Promise.resolve(),
    },
    temporal: connectTemporal(config, { logger }).client,
    now: () => new Date('2026-11-23T12:00:00.000Z'),
    ...more,
  };
  return {
    app: createApp(deps, sink),
    sink,
    deps,
    stored,
    /** From now on the sink refuses with this; null: it takes again. */
    fail: (error: Error | null) => {
      failure = error;
    },
  };
}
