import express from 'express';
import request from 'supertest';
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { SAMPLE_REST_KEYS } from '../test/support/memory-directory.ts';
import { sampleApi } from '../test/support/sample-api.ts';
import { errorHandler } from './errors.ts';
import { mountRoutes, REST_REQUESTS_PER_MINUTE } from './mount.ts';
import { requestContext } from './request-context.ts';
import { invalidInput } from './rest/shared/rest-error.ts';
import { defineRoute, type Route } from './route.ts';

// A route answers only whom its key, limit and permission let in, only for input that its schemas take,
// and every refusal has PagerDuty's form.
const ok = { 200: { description: 'Fine.' } };
const base = { summary: 's', tag: 't', responses: ok } as const;
const id = z.object({ id: z.string() });

function routes(): readonly Route[] {
  return [
    defineRoute({
      ...base,
      method: 'get',
      path: '/things/{id}',
      operationId: 'getThing',
      permission: 'configuration:read',
      params: id,
      query: z.object({
        'ids[]': z.array(z.string()).optional(),
        limit: z.coerce.number().optional(),
      }),
      handle: ({ params, query, actor }) =>
        Promise.resolve({ status: 200, body: { params, query, actor } }),
    }),
    defineRoute({
      ...base,
      method: 'get',
      path: '/things/special',
      operationId: 'getSpecial',
      permission: 'public',
      handle: (input) =>
        Promise.resolve({ status: 200, body: { special: true, input: typeof input.requestId } }),
    }),
    defineRoute({
      ...base,
      method: 'put',
      path: '/users/{id}',
      operationId: 'putUser',
      permission: 'own_user:write',
      params: id,
      body: z.strictObject({ user: z.strictObject({ name: z.string().max(5) }) }),
      handle: ({ body }) => Promise.resolve({ status: 200, body }),
    }),
    defineRoute({
      ...base,
      method: 'post',
      path: '/incidents',
      operationId: 'postIncident',
      permission: 'incidents:write',
      handle: ({ actor }) => Promise.resolve({ status: 201, body: actor }),
    }),
    defineRoute({
      ...base,
      method: 'get',
      path: '/fails/{id}',
      operationId: 'fails',
      permission: 'public',
      params: id,
      handle: ({ params }) => Promise.reject(failure(params.id)),
    }),
    defineRoute({
      ...base,
      method: 'delete',
      path: '/things/{id}',
      operationId: 'deleteThing',
      permission: 'configuration:write',
      handle: () => Promise.resolve({ status: 204 }),
    }),
  ];
}

function failure(id: string): Error {
  if (id === 'input') return invalidInput('a: is wrong');
  if (id === 'unknown') return new Error('password=hunter2');
  return Object.assign(new Error('driver'), { code: id });
}

let app = express();
beforeEach(() => {
  const { deps } = sampleApi();
  app = express();
  app.use(requestContext(deps), mountRoutes(routes(), deps), errorHandler(deps.logger));
});
const keyed = (key: keyof typeof SAMPLE_REST_KEYS) => `Token token=${SAMPLE_REST_KEYS[key]}`;
const get = (path: string, key: keyof typeof SAMPLE_REST_KEYS = 'admin') =>
  request(app).get(path).set('authorization', keyed(key));

describe('keys', () => {
  it('takes Token, quoted Token and Bearer', async () => {
    for (const value of ['Token token=admin-key', 'Token token="admin-key"', 'Bearer admin-key']) {
      const answer = await request(app).get('/things/1').set('authorization', value);
      expect(answer.status, value).toBe(200);
    }
  });

  it('refuses none, unknown and expired keys', async () => {
    for (const value of ['', 'Token token=x', 'admin-key', 'Basic eA==', keyed('expired')]) {
      const answer = await request(app).get('/things/1').set('authorization', value);
      expect([answer.status, answer.body], value).toEqual([
        401,
        { error: { message: 'Authentication failed', code: 2006 } },
      ]);
    }
  });

  it('gives a user key the role that the user has now', async () => {
    const answer = await get('/things/1', 'observer');
    expect(answer.body).toMatchObject({ actor: { userId: 'POBSERVER', role: 'observer' } });
    const refused = await request(app).delete('/things/1').set('authorization', keyed('observer'));
    expect([refused.status, refused.body]).toMatchObject([403, { error: { code: 2010 } }]);
  });

  it('lets a read-only key read and nothing else', async () => {
    expect((await get('/things/1', 'readOnly')).status).toBe(200);
    const refused = await request(app).delete('/things/1').set('authorization', keyed('readOnly'));
    expect(refused.status).toBe(403);
  });

  it('lets an account key act on incidents only for a user named by From', async () => {
    const post = () => request(app).post('/incidents').set('authorization', keyed('account'));
    expect((await post()).body).toMatchObject({ error: { code: 2001 } });
    expect((await post().set('from', 'x@y.z')).body).toMatchObject({ error: { code: 1008 } });
    const answer = await post().set('from', 'POwner@example.com');
    expect([answer.status, answer.body]).toMatchObject([201, { userId: 'POWNER' }]);
  });

  it('lets users change themselves, and only administrators others', async () => {
    const put = (path: string) =>
      request(app)
        .put(path)
        .set('authorization', keyed('responder'))
        .send({ user: { name: 'x' } });
    expect((await put('/users/PRESPONDER')).status).toBe(200);
    expect((await put('/users/POWNER')).status).toBe(403);
  });

  it('limits each key by itself and says how much is left', async () => {
    const first = await get('/things/1');
    expect(first.headers).toMatchObject({
      'ratelimit-limit': String(REST_REQUESTS_PER_MINUTE),
      'ratelimit-remaining': String(REST_REQUESTS_PER_MINUTE - 1),
    });
    for (let i = 1; i < REST_REQUESTS_PER_MINUTE; i += 1) await get('/things/1');
    const over = await get('/things/1');
    expect([over.status, over.body]).toEqual([
      429,
      { error: { message: 'Rate Limit Exceeded', code: 2020 } },
    ]);
    expect(Number(over.headers['ratelimit-reset'])).toBeGreaterThan(0);
    expect((await get('/things/1', 'responder')).status).toBe(200);
  }, 30_000);
});

describe('input', () => {
  it('makes lists of parameters that end in [], and keeps literal paths before parameters', async () => {
    const answer = await get('/things/1?ids[]=a&limit=5');
    expect(answer.body).toMatchObject({ params: { id: '1' }, query: { 'ids[]': ['a'], limit: 5 } });
    expect((await request(app).get('/things/special')).body).toMatchObject({ special: true });
  });

  it.each([
    ['{"user":{"name":"toolong"}}', 400],
    ['{"user":{"name":"x","admin":true}}', 400],
    ['{"user":', 400],
    ['', 400],
    [`{"a":${'['.repeat(30)}${']'.repeat(30)}}`, 400],
    [`{"a":"${'x'.repeat(512 * 1024)}"}`, 413],
  ])('refuses the body %.40s', async (body, status) => {
    const answer = await request(app)
      .put('/users/POWNER')
      .set('authorization', keyed('admin'))
      .set('content-type', 'application/json')
      .send(body);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ error: { code: 2001 } });
  });

  it('answers a wrong method by 405 with Allow, and a bad escape by 400', async () => {
    const answer = await request(app).post('/things/1').set('authorization', keyed('admin'));
    expect([answer.status, answer.headers['allow']]).toEqual([405, 'GET, HEAD, DELETE']);
    expect((await get('/things/%zz')).status).toBe(400);
  });
});

describe('failures', () => {
  it.each([
    ['input', 400, 'Invalid Input Provided'],
    ['25006', 503, 'database-read-only'],
    ['ECONNREFUSED', 503, 'database-unavailable'],
    ['23505', 400, 'Invalid Input Provided'],
    ['unknown', 500, 'Internal Server Error'],
  ])('answers %s by %i', async (kind, status, text) => {
    const answer = await request(app).get(`/fails/${kind}`);
    expect(answer.status).toBe(status);
    expect(answer.text).toContain(text);
    expect(answer.text).not.toContain('hunter2');
    expect(answer.headers['retry-after'] !== undefined).toBe(status === 503);
  });

  it('keeps a sound request id and replaces any other', async () => {
    const good = await request(app).get('/things/special').set('x-request-id', 'abc-1');
    expect(good.headers['x-request-id']).toBe('abc-1');
    const bad = await request(app).get('/things/special').set('x-request-id', 'a b<script>');
    expect(bad.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });
});
