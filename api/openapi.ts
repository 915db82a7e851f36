import {
  OpenAPIRegistry,
  OpenApiGeneratorV31,
  type ResponseConfig,
  type RouteConfig,
} from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';

import type { Route } from './route.ts';

/** An operation as the description shows it; REST routes are such, other routers list theirs. */
export type DescribedOperation = Omit<Route, 'handle'> & {
  /** Media type of the request's body; JSON unless said otherwise. */
  readonly bodyType?: string;
  /** Media type of the answers that have a schema; JSON unless said otherwise. */
  readonly answerType?: string;
};

const restError = z.object({
  error: z.object({
    message: z.string(),
    code: z.number().int(),
    errors: z.array(z.string()).optional(),
  }),
});
const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  instance: z.string(),
});
const SECURITY = 'apiKey';

/** The OpenAPI 3.1 description of these operations, as JSON. `serverUrl` is the public URL. */
export function describeApi(operations: readonly DescribedOperation[], serverUrl: string): object {
  const registry = new OpenAPIRegistry();
  registry.registerComponent('securitySchemes', SECURITY, {
    type: 'apiKey',
    in: 'header',
    name: 'Authorization',
    description: '`Token token=KEY` or `Bearer KEY`.',
  });
  for (const operation of operations) registry.registerPath(pathOf(operation));
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'PD Lite',
      version: '2.0.0',
      description:
        'Incident response. Paths, bodies and errors are those of PagerDuty’s REST API v2 and Events API, so that tools written for it work by changing the base URL.',
    },
    servers: [{ url: serverUrl }],
  });
}

function pathOf(operation: DescribedOperation): RouteConfig {
  const { method, path, operationId, summary, tag, permission } = operation;
  const isPublic = permission === 'public';
  return {
    method,
    path,
    operationId,
    summary,
    tags: [tag],
    security: isPublic ? [] : [{ [SECURITY]: [] }],
    request: requestOf(operation),
    responses: { ...(isPublic ? {} : keyedResponses(operation)), ...ownResponses(operation) },
  };
}

function requestOf(operation: DescribedOperation): NonNullable<RouteConfig['request']> {
  const { params, query, body, bodyType = 'application/json' } = operation;
  const headers = headersOf(operation);
  return {
    ...(headers ? { headers } : {}),
    ...(params ? { params: objectOf(params) } : {}),
    ...(query ? { query: objectOf(query) } : {}),
    ...(body ? { body: { required: true, content: { [bodyType]: { schema: body } } } } : {}),
  };
}

const writeHeaders = z.object({
  From: z
    .email()
    .optional()
    .describe('Address of the user who acts; needed with a key of the account.'),
  'Idempotency-Key': z
    .string()
    .max(255)
    .optional()
    .describe('The same for each try of one request: it is done once and answered alike.'),
});

/** What people do to incidents is done by somebody, and once. */
function headersOf({ permission }: DescribedOperation): z.ZodObject | undefined {
  return permission === 'incidents:write' ? writeHeaders : undefined;
}

/** Parameters are described one by one, so their schema must be an object, perhaps refined. */
function objectOf(schema: z.ZodType): z.ZodObject {
  const inner: unknown = schema instanceof z.ZodPipe ? schema.in : schema;
  if (inner instanceof z.ZodObject) return inner;
  throw new Error('the schema of parameters must be an object');
}

function ownResponses({
  responses,
  answerType = 'application/json',
}: DescribedOperation): Record<string, ResponseConfig> {
  return Object.fromEntries(
    Object.entries(responses).map(([status, { description, schema }]) => [
      status,
      { description, ...(schema ? { content: { [answerType]: { schema } } } : {}) },
    ]),
  );
}

/** What every route with a key can answer. */
function keyedResponses({
  params,
  permission,
}: DescribedOperation): Record<string, ResponseConfig> {
  const json = (description: string): ResponseConfig => ({
    description,
    content: { 'application/json': { schema: restError } },
  });
  return {
    400: json('The input is invalid.'),
    401: json('The key is missing, unknown or expired.'),
    403: json('The key’s role may not do this.'),
    ...(params ? { 404: json('There is no such object.') } : {}),
    ...(permission === 'incidents:write'
      ? { 422: json('The `Idempotency-Key` belongs to another request.') }
      : {}),
    429: json('More than 960 requests a minute.'),
    503: {
      description: 'Nothing was changed; `Retry-After` says when to ask again.',
      content: { 'application/problem+json': { schema: problem } },
    },
  };
}
