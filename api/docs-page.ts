import { fileURLToPath } from 'node:url';

import express, { Router } from 'express';
import helmet from 'helmet';
import { z } from 'zod';

import type { DescribedOperation } from './openapi.ts';
import { contextOf } from './request-context.ts';

/** The files of Swagger UI that the page needs; served from here, so that it works without the internet. */
const FILES = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'] as const;
const START = `window.ui = SwaggerUIBundle({ url: '/openapi.json', dom_id: '#ui', deepLinking: true });\n`;
const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>PD Lite API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="ui"></div>
<noscript>The description itself is at <a href="/openapi.json">/openapi.json</a>.</noscript>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

/** `/openapi.json`, and `/docs`, which shows it and to which `/` leads. `describe` is called once, on the first request. */
export function createDocsRouter(describe: () => object): Router {
  const router = Router();
  let description: string | undefined;
  router.get('/openapi.json', (_request, response) => {
    contextOf(response).route = '/openapi.json';
    description ??= JSON.stringify(describe());
    response.type('application/json').send(description);
  });
  router.get('/', (_request, response) => {
    contextOf(response).route = '/';
    response.redirect('/docs');
  });
  router.use('/docs', contentSecurity());
  router.get('/docs', (_request, response) => {
    contextOf(response).route = '/docs';
    response.type('text/html').send(PAGE);
  });
  router.get('/docs/start.js', (_request, response) => {
    contextOf(response).route = '/docs/{file}';
    response.type('text/javascript').send(START);
  });
  const folder = fileURLToPath(new URL('.', import.meta.resolve('swagger-ui-dist/package.json')));
  const options = { index: false, redirect: false, maxAge: '1 day' };
  const files = express.static(folder, options);
  router.get(
    FILES.map((name) => `/docs/${name}`),
    (request, response, next) => {
      contextOf(response).route = '/docs/{file}';
      request.url = request.url.slice('/docs'.length);
      files(request, response, next);
    },
  );
  return router;
}

/** Swagger UI draws with inline styles and data images; scripts come from this origin alone. */
function contentSecurity(): express.RequestHandler {
  return helmet.contentSecurityPolicy({
    useDefaults: false,
    directives: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'", "'unsafe-inline'"],
      imgSrc: ["'self'", 'data:'],
      connectSrc: ["'self'"],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
  });
}

const status = z.object({ status: z.string() });

/** What the api serves about itself, as its own description shows it. */
export const SELF_OPERATIONS: readonly DescribedOperation[] = [
  self('/health/live', 'healthLive', 'Whether the process answers', {
    200: { description: 'It does.', schema: status },
  }),
  self('/health/ready', 'healthReady', 'Whether the process can route events', {
    200: { description: 'It can; `degraded` when Temporal is not reachable.', schema: status },
    503: { description: 'The configuration has not been loaded.', schema: status },
  }),
  self('/', 'start', 'Leads to the page', { 302: { description: 'To `/docs`.' } }),
  self('/openapi.json', 'describeApi', 'This description', {
    200: { description: 'OpenAPI 3.1.', schema: z.record(z.string(), z.unknown()) },
  }),
  self('/docs', 'showDocs', 'This description as a page', { 200: { description: 'A page.' } }),
];

function self(
  path: string,
  operationId: string,
  summary: string,
  responses: DescribedOperation['responses'],
): DescribedOperation {
  return {
    method: 'get',
    path,
    operationId,
    summary,
    tag: 'Self',
    permission: 'public',
    responses,
  };
}
