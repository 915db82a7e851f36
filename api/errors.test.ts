// Whatever PostgreSQL did, the caller learns in the api's own form whether something was changed and when to ask
// again, and nothing of the inside.
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import express from 'express';
import { pino } from 'pino';
import { expect, it } from 'vitest';

import { DatabaseUnavailableError, OutcomeUnknownError } from '../db/errors.ts';
import { errorAnswer, errorHandler } from './errors.ts';
import { requestContext } from './request-context.ts';

const coded = (code: string): Error => Object.assign(new Error('canary'), { code });

it.each([
  [coded('25006'), 'database-read-only', '30'],
  [coded('53100'), 'database-read-only', '30'],
  [coded('57P01'), 'database-unavailable', '10'],
  [coded('ECONNREFUSED'), 'database-unavailable', '10'],
  [new DatabaseUnavailableError('canary'), 'database-unavailable', '10'],
  [coded('40001'), 'database-busy', '1'],
  [coded('55P03'), 'database-busy', '1'],
  [new OutcomeUnknownError('canary', { cause: coded('08006') }), 'database-outcome-unknown', '10'],
])('%s is the problem %s', (error, name, retryAfter) => {
  const { status, body, headers } = errorAnswer(error, 'request-1');
  expect(status).toBe(503);
  expect(headers).toEqual({
    'content-type': 'application/problem+json',
    'retry-after': retryAfter,
  });
  expect(body).toMatchObject({ type: `urn:pdlite:problem:${name}`, status: 503 });
  expect(JSON.stringify(body)).not.toContain('canary');
});

it('leaves nobody who only reads in doubt', async () => {
  const app = express();
  app.use(requestContext({ logger: pino({ level: 'silent' }) }));
  app.use(() => {
    throw new OutcomeUnknownError('canary', { cause: coded('08006') });
  });
  app.use(errorHandler(pino({ level: 'silent' })));
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const types = ['GET', 'POST'].map(async (method) => (await fetch(url, { method })).json());
  expect(await Promise.all(types)).toMatchObject([
    { type: 'urn:pdlite:problem:database-unavailable' },
    { type: 'urn:pdlite:problem:database-outcome-unknown' },
  ]);
  server.close();
});
