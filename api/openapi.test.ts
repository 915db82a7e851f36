import { readdir, readFile } from 'node:fs/promises';

import type { IRouter } from 'express';
import request from 'supertest';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { sampleApi } from '../test/support/sample-api.ts';

// The description and the code are the same both ways: no route without an entry, no entry without a route.
const described = z.object({
  openapi: z.literal('3.1.0'),
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.looseObject({
        operationId: z.string(),
        summary: z.string(),
        responses: z.record(z.string(), z.unknown()),
      }),
    ),
  ),
});
const { app } = sampleApi();
const document = described.parse((await request(app).get('/openapi.json')).body);
const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
);

interface Layer {
  readonly route?: {
    readonly path: string | readonly string[];
    readonly stack: readonly { readonly method?: string }[];
  };
  readonly handle?: Partial<Pick<IRouter, 'stack'>>;
}

/** `get /users/{id}` of every route that express knows; `all` handlers only refuse and are left out. */
function routesOf(stack: readonly Layer[]): string[] {
  return stack.flatMap(({ route, handle }) => {
    if (!route) return handle?.stack ? routesOf(handle.stack as readonly Layer[]) : [];
    const methods = new Set(route.stack.flatMap(({ method }) => method ?? []));
    const paths = typeof route.path === 'string' ? [route.path] : route.path;
    return paths.flatMap((path) =>
      [...methods].map((method) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`),
    );
  });
}

describe('the description', () => {
  it('has an entry for every route, and a route for every entry', () => {
    const files = /^get \/docs\/[\w.-]+$/;
    const routes = new Set(
      routesOf(app.router.stack as readonly Layer[]).filter((name) => !files.test(name)),
    );
    const entries = operations.map(({ method, path }) => `${method} ${path}`);
    expect([...routes].sort()).toEqual([...entries].sort());
  });

  it('names every operation once', () => {
    const names = operations.map(({ operation }) => operation.operationId);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThan(20);
  });

  it('answers every entry: none is a 404 of the router, a 405 or a 501', async () => {
    for (const { path, method } of operations) {
      const url = path.replace(/\{\w+\}/g, 'P123');
      const { status, body } = (await request(app)[method as 'get'](url)) as {
        status: number;
        body: unknown;
      };
      expect([405, 500, 501], `${method} ${path}`).not.toContain(status);
      // Without a key, whatever needs one is known by asking for it.
      const routed = status !== 404 || !JSON.stringify(body).includes('2100');
      expect(routed, `${method} ${path}`).toBe(true);
    }
  });

  it('is shown by a page that loads nothing from elsewhere', async () => {
    const page = await request(app).get('/docs');
    expect(page.status).toBe(200);
    expect(page.text).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    expect(page.headers['content-security-policy']).toContain("script-src 'self';");
    const sources = [...page.text.matchAll(/(?:src|href)="(\/docs\/[^"]+)"/g)].map(
      (match) => match[1],
    );
    expect(sources.length).toBeGreaterThan(3);
    for (const source of sources) {
      expect((await request(app).get(source ?? '')).status, source).toBe(200);
    }
  });

  it('is not undone by a stray route file: all of them are collected', async () => {
    const folder = new URL('rest/', import.meta.url);
    const collected = await readFile(new URL('index.ts', folder), 'utf8');
    for (const name of await readdir(folder)) {
      if (!/^[a-z-]+\.ts$/.test(name) || name === 'index.ts') continue;
      const text = await readFile(new URL(name, folder), 'utf8');
      for (const [, made] of text.matchAll(/export function (create\w+Routes)\(deps: ApiDeps\)/g)) {
        expect(collected, `${name} ${made}`).toContain(made);
      }
    }
  });
});
