import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { Client, Connection } from '@temporalio/client';
import { pino } from 'pino';

import { createApp } from '../../api/app.ts';
import type { ApiDeps } from '../../api/deps.ts';
import { openDatabase, type Database } from '../../db/database.ts';
import { openDirectory, type LiveDirectory } from '../../db/directory.ts';
import { seed } from '../../db/seed.ts';
import { loadConfig } from '../../platform/config.ts';
import type { ApiAnswer } from './incident-api.ts';
import { createTestDatabase } from './postgres.ts';

type SentCode = Parameters<NonNullable<ApiDeps['sendVerification']>>[0];

/** The api over HTTP on a real, seeded PostgreSQL; Temporal is not there, configuration never needs it. */
export interface ConfigApi {
  readonly directory: LiveDirectory;
  readonly database: Database;
  /** Admin keys of the account by the account's subdomain. */
  readonly keys: ReadonlyMap<string, string>;
  /** Verification codes that were sent, latest last. */
  readonly codes: readonly SentCode[];
  ask(method: string, path: string, body?: unknown, key?: string): Promise<ApiAnswer>;
  /** Asks again until the answer has this status, 2 s at most: a new key needs the directory. */
  askUntil(status: number, path: string, key: string): Promise<ApiAnswer>;
  close(): Promise<void>;
}

export async function openConfigApi(): Promise<ConfigApi> {
  const logger = pino({ level: 'silent' });
  const urls = await createTestDatabase();
  const database = openDatabase(urls.appUrl, { poolMax: 4, logger });
  const keys = new Map((await seed(database)).map((made) => [made.subdomain, made.apiKey]));
  const directory = await openDirectory(urls.directoryUrl, { logger });
  const connection = Connection.lazy({ address: '127.0.0.1:1' });
  const codes: SentCode[] = [];
  const app = createApp({
    config: loadConfig({}),
    logger,
    directory,
    database,
    temporal: new Client({ connection }),
    now: () => new Date(),
    sendVerification: (sent) => Promise.resolve(void codes.push(sent)),
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ask: ConfigApi['ask'] = async (method, path, body, key = keys.get('demo') ?? '') => {
    const response = await fetch(url + path, {
      method,
      headers: { authorization: `Token token=${key}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const parsed = (text === '' ? {} : JSON.parse(text)) as ApiAnswer['body'];
    return { status: response.status, headers: response.headers, body: parsed };
  };
  return {
    directory,
    database,
    keys,
    codes,
    ask,
    async askUntil(status, path, key) {
      const deadline = Date.now() + 2000;
      for (;;) {
        const answer = await ask('GET', path, undefined, key);
        if (answer.status === status || Date.now() > deadline) return answer;
        await sleep(20);
      }
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await Promise.all([directory.close(), database.close(), connection.close()]);
      await urls.drop();
    },
  };
}
