/**
 * Whatever changes something over REST leaves exactly one audit record of the request, in the transaction of the
 * change; an incident's change leaves one for each of its log entries. Whatever is refused leaves exactly one as
 * well. Reading leaves none. Every operation with a key is tried.
 */
import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, expect, test } from 'vitest';

import type { AuditRecord } from '../../domain/audit/record.ts';
import { GUARDED, type Guarded } from '../support/authorization-table.ts';
import { AuthorizationObjects, type Ids, type Kind } from '../support/authorization-objects.ts';
import { AuthorizationWorld, type Asked } from '../support/authorization-world.ts';
import { openIncidentApi, type IncidentApi } from '../support/incident-api.ts';

let api: IncidentApi;
let working: Promise<unknown>;
const over = Promise.withResolvers<undefined>();
let world: AuthorizationWorld;
let objects: AuthorizationObjects;
let ids: Ids;
let owner = '';
let reader = '';

beforeAll(async () => {
  const codes: { readonly code: string }[] = [];
  api = await openIncidentApi({
    sendVerification: (sent) => Promise.resolve(void codes.push(sent)),
  });
  working = api.whileWorking(() => over.promise);
  world = new AuthorizationWorld(api, 'demo');
  await world.addKeys();
  owner = keyOf('owner');
  reader = keyOf('restricted_access');
  objects = new AuthorizationObjects(world, api, codes);
  ids = await objects.all();
});
afterAll(async () => {
  over.resolve(undefined);
  await working;
  await api.close();
});

function keyOf(role: string): string {
  const name = `the key of the user with the role ${role}`;
  return world.credentials.find((one) => one.name === name)?.authorization ?? '';
}

async function ask({ method, path, body }: Asked, authorization: string) {
  const requestId = randomUUID();
  const response = await fetch(api.url + path, {
    method,
    headers: { authorization, 'content-type': 'application/json', 'x-request-id': requestId },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, requestId };
}

const recordsOf = (request_id: string) =>
  api.database.inAccount(world.accountId, (trx) =>
    trx<AuditRecord>('audit_records').where({ request_id }).orderBy('seq'),
  );
const isChange = ({ permission, request }: Guarded) =>
  !permission.endsWith(':read') && request(ids).method !== 'GET';
const named = Object.entries(GUARDED);

/** Answered, though it changes nothing: whoever replies was not asked. */
const EMPTY = ['replyToIncidentResponderRequest', 'updateIncidentAlerts', 'updateIncidentAlert'];

test.each(named)('%s leaves one record of a change, none of a read', async (name, guarded) => {
  const somebody: readonly Kind[] =
    guarded.permission === 'own_user:write' ? ['userId', 'methodId', 'ruleId'] : [];
  const wanted = await objects.renewed([...somebody, ...guarded.fresh], ids);
  const { status, requestId } = await ask(guarded.request(wanted), owner);
  expect(Math.floor(status / 100), name).toBe(2);
  if (!isChange(guarded) || EMPTY.includes(name)) {
    expect(await recordsOf(requestId)).toEqual([]);
  } else if (guarded.permission === 'incidents:write') {
    await expectProjected(requestId);
  } else {
    const records = await recordsOf(requestId);
    expect(records).toHaveLength(1);
    expect(records[0]).toMatchObject({ operation: name, outcome: 'success', actor_type: 'user' });
    expect(records[0]).toMatchObject({ actor_id: world.ownerId, source: 'loopback' });
  }
});

test('each operation leaves one record of a refusal', async () => {
  const asked = await Promise.all(
    named.map(async ([name, guarded]) => {
      const { status, requestId } = await ask(guarded.request(ids), reader);
      expect(status, name).toBe(403);
      return { name, requestId };
    }),
  );
  for (const { name, requestId } of asked) {
    await expect.poll(() => recordsOf(requestId)).toHaveLength(1);
    const [record] = await recordsOf(requestId);
    expect(record).toMatchObject({ operation: name, outcome: 'refused', changes: null });
    expect(record?.reason).toMatch(/^403 Access Denied; The role restricted_access/);
  }
});

async function expectProjected(requestId: string) {
  await expect
    .poll(async () => (await recordsOf(requestId)).length, { timeout: 10_000 })
    .not.toBe(0);
  for (const record of await recordsOf(requestId)) {
    expect(record).toMatchObject({
      root_type: 'incidents',
      actor_type: 'user',
      outcome: 'success',
    });
    expect(record.workflow_id).toMatch(/^incident/);
    expect(record.id).toBe(`L${record.producer ?? ''}-${record.producer_seq ?? ''}`);
  }
}

test('what is refused for its content, or an expired key, leaves one record too', async () => {
  const wrong = await ask({ method: 'POST', path: '/teams', body: { team: {} } }, owner);
  expect(wrong.status).toBe(400);
  await expect.poll(() => recordsOf(wrong.requestId)).toMatchObject([{ outcome: 'refused' }]);
  const expired = world.credentials.find(({ name }) => name === 'an expired key');
  const late = await ask({ method: 'GET', path: '/users' }, expired?.authorization ?? '');
  expect(late.status).toBe(401);
  await expect.poll(() => recordsOf(late.requestId)).toMatchObject([{ operation: 'listUsers' }]);
  const badRead = await ask({ method: 'GET', path: '/teams?limit=0' }, owner);
  expect(badRead.status).toBe(400);
});

test('a wrong verification code is one refusal, and counted as a try', async () => {
  const wanted = await objects.renewed(['methodId', 'code'], ids);
  const path = `/users/${wanted.userId}/contact_methods/${wanted.methodId}/verification`;
  const code = wanted.code === '000000' ? '000001' : '000000';
  const { status, requestId } = await ask({ method: 'PUT', path, body: { code } }, owner);
  expect(status).toBe(400);
  await expect.poll(() => recordsOf(requestId)).toMatchObject([{ outcome: 'refused' }]);
});

test('each log entry has its record, each record its place, and the words name nobody', async () => {
  const missing = () =>
    api.database.inAccount(world.accountId, async (trx) =>
      trx('log_entries as l')
        .leftJoin('audit_records as a', 'a.id', trx.raw(`'L' || l.id`))
        .whereNull('a.id')
        .pluck<string[]>('l.id'),
    );
  await expect.poll(missing).toEqual([]);
  const names = [...(api.directory.account(world.accountId)?.users.values() ?? [])]
    .map(({ name }) => name)
    .filter((name) => name.includes(' ') && !name.startsWith('user '));
  const texts = await api.database.inAccount(world.accountId, (trx) =>
    trx('audit_records').whereNotNull('reason').pluck<string[]>('reason'),
  );
  expect(names.length).toBeGreaterThan(2);
  expect(texts.filter((text) => names.some((name) => text.includes(name)))).toEqual([]);
});

test('every table that the application may change is watched, or is no configuration', async () => {
  const rows: { rows: { name: string }[] } = await api.database.inAccount(world.accountId, (trx) =>
    trx.raw(`
      select c.relname as name from pg_class c
      where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
        and has_table_privilege('pdlite_app', c.oid, 'update, delete')
        and not exists (select 1 from pg_trigger t join pg_proc p on p.oid = t.tgfoid
          where t.tgrelid = c.oid and p.proname = 'audit_capture')
      order by 1`),
  );
  // What workflows tell is audited by its log entries; the rest is bookkeeping that nobody decides.
  expect(rows.rows.map(({ name }) => name)).toEqual([
    'change_events',
    'contact_verifications',
    'directory_versions',
    'incident_alert_keys',
    'incidents',
    'log_entries',
  ]);
});
