import { z } from 'zod';

import {
  listAuditRecords,
  type AuditCursor,
  type AuditFilter,
  type ListedRecord,
} from '../../db/audit-list.ts';
import type { AccountIndex } from '../../domain/directory.ts';
import type { ApiDeps } from '../deps.ts';
import { defineRoute, type Route } from '../route.ts';
import { createRefer, type Refer, type Reference } from './shared/references.ts';
import { invalidInput } from './shared/rest-error.ts';
import { instantSchema, ok, referenceSchema } from './shared/schemas.ts';

const LIMIT_MAX = 100;
const DAY_MS = 86_400_000;
const RANGE_MAX_MS = 31 * DAY_MS;

/** PagerDuty's kinds of actors; whatever is neither a person nor a key is an app. */
const ACTOR_TYPES = {
  user_reference: ['user'],
  api_key_reference: ['api_key'],
  app_reference: ['system', 'integration', 'service', 'operator'],
} as const;
const typesSchema = z.array(z.string().regex(/^[a-z_]{1,40}$/)).max(20);
const listQuery = z
  .object({
    limit: z.coerce.number().int().min(1).max(10_000).default(LIMIT_MAX).describe('At most 100.'),
    cursor: z.string().max(200).optional(),
    since: instantSchema.optional().describe('24 hours ago unless given.'),
    until: instantSchema.optional().describe('Now unless given; at most 31 days after `since`.'),
    'root_resource_types[]': typesSchema
      .optional()
      .describe('Such as `users` or `incidents`; unless given, everything but incidents.'),
    actor_type: z.enum(['user_reference', 'api_key_reference', 'app_reference']).optional(),
    actor_id: z.string().max(64).optional().describe('Together with `actor_type` only.'),
    method_type: z.enum(['browser', 'oauth', 'api_token', 'identity_provider', 'other']).optional(),
    method_truncated_token: z
      .string()
      .max(64)
      .optional()
      .describe('Together with `method_type` only. Finds nothing: no part of a key is kept.'),
    'actions[]': typesSchema.optional(),
    'outcomes[]': z
      .array(z.enum(['success', 'refused']))
      .optional()
      .describe('Our own extension; unless given, only what succeeded.'),
  })
  .refine(({ actor_id, actor_type }) => !actor_id || actor_type, 'actor_id needs actor_type')
  .refine(
    (query) => query.method_truncated_token === undefined || query.method_type,
    'method_truncated_token needs method_type',
  );
type Query = z.infer<typeof listQuery>;

const recordSchema = z.object({
  id: z.string(),
  self: z.null(),
  execution_time: z.string(),
  execution_context: z.object({ request_id: z.string().nullable(), remote_address: z.null() }),
  actors: z.array(referenceSchema),
  method: z.object({
    type: z.string(),
    description: z.string().nullable(),
    truncated_token: z.null(),
  }),
  root_resource: referenceSchema,
  action: z.string(),
  details: z.object({
    resource: referenceSchema,
    fields: z.array(z.object({ name: z.string() })),
  }),
  pdlite: z.looseObject({}).describe('What PagerDuty’s form has no place for.'),
});
const pageSchema = z.object({
  records: z.array(recordSchema),
  limit: z.int(),
  next_cursor: z.string().nullable(),
  response_metadata: z.null(),
});

/** `/audit/records`: who changed what, and with `outcomes[]=refused` who tried to. */
export function createAuditRoutes(deps: ApiDeps): readonly Route[] {
  const refer = createRefer(deps.config.PUBLIC_URL);
  return [
    defineRoute({
      tag: 'Audit',
      permission: 'audit:read',
      method: 'get',
      path: '/audit/records',
      operationId: 'listAuditRecords',
      summary: 'List audit records, newest first',
      query: listQuery,
      responses: { 200: ok('The records.', pageSchema) },
      handle: async ({ actor, query }) => {
        const limit = Math.min(query.limit, LIMIT_MAX);
        const after = query.cursor === undefined ? null : readCursor(query.cursor);
        const filter = filterOf(query, deps.now());
        const { accountId } = actor;
        const found = isPossible(query)
          ? await listAuditRecords(deps.database, accountId, { filter, limit, after })
          : { records: [], next: null };
        const shown = { index: deps.directory.account(accountId), refer };
        const records = found.records.map((record) => recordJson(shown, record));
        const next_cursor = found.next && writeCursor(found.next);
        return { status: 200, body: { records, limit, next_cursor, response_metadata: null } };
      },
    }),
  ];
}

/** Sessions, OAuth and identity providers are not ways in here, and no part of a key is kept. */
function isPossible({ method_type: method, method_truncated_token: token }: Query): boolean {
  const known = method === undefined || method === 'api_token' || method === 'other';
  return known && token === undefined;
}

function filterOf(query: Query, now: Date): AuditFilter {
  const until = query.until ?? now.toISOString();
  const since = query.since ?? new Date(Date.parse(until) - DAY_MS).toISOString();
  const range = Date.parse(until) - Date.parse(since);
  if (range < 0) throw invalidInput('until: must not be before since');
  if (range > RANGE_MAX_MS) throw invalidInput('until: may not be more than 31 days after since');
  return {
    ...{ since, until },
    rootTypes: query['root_resource_types[]'] ?? null,
    actorTypes: query.actor_type ? ACTOR_TYPES[query.actor_type] : [],
    actorId: query.actor_id ?? null,
    byKey: query.method_type === undefined ? null : query.method_type === 'api_token',
    actions: query['actions[]'] ?? [],
    outcomes: query['outcomes[]'] ?? ['success'],
  };
}

function writeCursor({ occurredAt, seq }: AuditCursor): string {
  return Buffer.from(`${occurredAt} ${seq}`).toString('base64url');
}

function readCursor(text: string): AuditCursor {
  const [, occurredAt = '', seq = ''] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (\d{1,15})$/.exec(
      Buffer.from(text, 'base64url').toString(),
    ) ?? [];
  if (occurredAt === '' || Number.isNaN(Date.parse(occurredAt))) {
    throw invalidInput('cursor: is none of ours');
  }
  return { occurredAt, seq: Number(seq) };
}

interface Shown {
  readonly index: AccountIndex | undefined;
  readonly refer: Refer;
}

function recordJson(shown: Shown, record: ListedRecord): Record<string, unknown> {
  const root = resource(shown, record.root_type, record.root_id ?? record.account_id);
  const actors = [record.actor_id, record.on_behalf_of]
    .filter((id) => id !== null)
    .map((id, place) => actorReference(shown, place === 0 ? record.actor_type : 'user', id));
  return {
    id: record.id,
    self: null,
    execution_time: record.occurred_at,
    execution_context: { request_id: record.request_id, remote_address: null },
    actors,
    method: {
      type: record.credential_id === null ? 'other' : 'api_token',
      description: record.source,
      truncated_token: null,
    },
    root_resource: root,
    action: record.action,
    details: {
      resource: resource(shown, record.object_type, record.object_id ?? root.id),
      fields: changedFields(record).map((name) => ({ name })),
    },
    pdlite: {
      ...{ seq: record.seq, operation: record.operation, outcome: record.outcome },
      ...{ reason: record.reason, source: record.source, recorded_at: record.recorded_at },
      ...{ key_id: record.credential_id, trace_id: record.trace_id, grant_id: record.grant_id },
      ...{ workflow_id: record.workflow_id, run_id: record.run_id },
      ...{ before_digest: record.before_digest, after_digest: record.after_digest },
    },
  };
}

function actorReference({ index, refer }: Shown, type: string, id: string): object {
  if (type === 'user') return refer('user_reference', `users/${id}`, nameOf(index, 'users', id));
  if (type === 'api_key') return refer('api_key_reference', `api_keys/${id}`, 'API key');
  return { id, type: 'app_reference', summary: id, self: null, html_url: null };
}

function resource({ index, refer }: Shown, table: string | null, id: string): Reference {
  const type = table ?? 'accounts';
  return refer(`${singular(type)}_reference`, `${type}/${id}`, nameOf(index, type, id));
}

/** As the object is called now; its id where it is gone. The log itself keeps no names. */
function nameOf(index: AccountIndex | undefined, type: string, id: string): string {
  if (!index) return id;
  const { account, config, ...maps } = index;
  if (type === 'accounts') return account.name;
  if (type === 'teams') return config.teams.find((one) => one.id === id)?.name ?? id;
  const named = {
    users: maps.users,
    schedules: maps.schedules,
    services: maps.services,
    escalation_policies: maps.policies,
    integrations: maps.integrations,
  }[type];
  return named?.get(id)?.name ?? id;
}

function singular(table: string): string {
  return table.replace(/ies$/, 'y').replace(/s$/, '');
}

/** Columns of the object that the change touched; the record holds digests only, so it has no values. */
function changedFields({ changes, object_id }: ListedRecord): readonly string[] {
  if (changes === null) return [];
  const parsed: unknown = JSON.parse(changes);
  if (!Array.isArray(parsed)) return [];
  const rows = parsed as readonly { readonly id?: unknown; readonly fields?: unknown }[];
  const own = rows.find(({ id }) => id === object_id) ?? rows[0];
  return Array.isArray(own?.fields) ? own.fields.filter((name) => typeof name === 'string') : [];
}
