/**
 * `GET /audit/records` shows who changed what, newest first, page by page without loss or repetition, filtered as
 * PagerDuty filters; refused attempts and incidents on demand; never another account's.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';

import { insertAuditRecords } from '../../db/audit-records.ts';
import { newId } from '../../platform/ids.ts';
import { openConfigApi, type ConfigApi } from '../support/config-api.ts';
import { at } from '../support/incident-api.ts';

let api: ConfigApi;
let accountId = '';
beforeAll(async () => {
  api = await openConfigApi();
  const demo = api.directory.accounts().find(({ account }) => account.subdomain === 'demo');
  accountId = demo?.account.id ?? '';
  for (const n of [1, 2, 3]) await api.ask('POST', '/teams', { team: { name: `Team ${n}` } });
  const id = await firstTeam();
  await api.ask('PUT', `/teams/${id}`, { team: { name: 'Renamed' } });
  await api.ask('DELETE', `/teams/${id}`);
});
afterAll(() => api.close());

async function firstTeam(): Promise<string> {
  return String(at((await api.ask('GET', '/teams?query=Team 1')).body, 'teams', '0', 'id'));
}

async function list(query: string) {
  const { status, body } = await api.ask('GET', `/audit/records?${query}`);
  return { status, body, records: (body['records'] ?? []) as Record<string, unknown>[] };
}
const teams = 'root_resource_types[]=teams';

test('shows the newest first, with actor, method, object and the fields that changed', async () => {
  const { records } = await list(teams);
  expect(records.map(({ action }) => action)).toEqual([
    'delete',
    'update',
    'create',
    'create',
    'create',
  ]);
  expect(records[1]).toMatchObject({
    actors: [{ type: 'api_key_reference' }],
    method: { type: 'api_token', truncated_token: null },
    details: { fields: [{ name: 'name' }], resource: { type: 'team_reference' } },
    pdlite: { operation: 'updateTeam', outcome: 'success', source: 'loopback' },
  });
  expect(at(records[1], 'execution_context', 'request_id')).toMatch(/^[\w-]{36}$/);
});

test('pages by cursor: all, once, in order', async () => {
  const seen: unknown[] = [];
  let cursor = '';
  do {
    const { body, records } = await list(`limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
    seen.push(...records.map(({ id }) => id));
    expect(body['limit']).toBe(2);
    cursor = typeof body['next_cursor'] === 'string' ? body['next_cursor'] : '';
  } while (cursor !== '');
  const all = (await list('limit=100')).records.map(({ id }) => id);
  expect(seen).toEqual(all);
  expect(all.length).toBeGreaterThan(5);
});

test('filters by actor, action, method and outcome', async () => {
  const keyId = at((await list(teams)).records[0], 'actors', '0', 'id');
  const found = async (query: string) => (await list(`${teams}&${query}`)).records.length;
  expect(await found(`actor_type=api_key_reference&actor_id=${String(keyId)}`)).toBe(5);
  expect(await found('actor_type=api_key_reference&actor_id=PNOBODY')).toBe(0);
  expect(await found('actor_type=user_reference')).toBe(0);
  expect(await found('actions[]=create')).toBe(3);
  expect(await found('actions[]=create&actions[]=delete')).toBe(4);
  expect(await found('method_type=api_token')).toBe(5);
  expect(await found('method_type=browser')).toBe(0);
  expect(await found('method_type=other')).toBe(0);
  await api.ask('POST', '/teams', { team: {} });
  await expect.poll(() => found('outcomes[]=refused')).toBe(1);
  expect(await found('outcomes[]=refused&outcomes[]=success')).toBe(6);
});

test('shows incidents on demand, and the app where no person acted', async () => {
  await api.database.inAccount(accountId, (trx) =>
    insertAuditRecords(trx, accountId, [
      {
        ...{ id: newId('L'), actor_type: 'system', actor_id: 'pdlite', action: 'update' },
        ...{ operation: 'notify_log_entry', outcome: 'success', source: 'sms' },
        ...{ root_type: 'incidents', root_id: 'QINC', object_type: 'incidents', object_id: 'QINC' },
      },
    ]),
  );
  const { records } = await list('root_resource_types[]=incidents');
  expect(records).toMatchObject([
    { actors: [{ type: 'app_reference' }], root_resource: { type: 'incident_reference' } },
  ]);
  const plain = (await list('')).records;
  expect(plain.some((one) => at(one, 'root_resource', 'type') === 'incident_reference')).toBe(
    false,
  );
});

test('takes a day unless told, at most 31, and says what is wrong with a question', async () => {
  const future = 'since=2027-01-01T00:00:00Z&until=2027-01-02T00:00:00Z';
  expect((await list(future)).records).toEqual([]);
  for (const wrong of [
    'since=2026-01-01T00:00:00Z&until=2026-02-02T00:00:00Z',
    'since=2026-02-01T00:00:00Z&until=2026-01-01T00:00:00Z',
    'actor_id=PUSER',
    'method_truncated_token=abcd',
    'cursor=nonsense',
    'actor_type=nobody',
    'since=yesterday',
    'limit=0',
  ]) {
    expect((await list(wrong)).status, wrong).toBe(400);
  }
});

test('never shows another account’s', async () => {
  const other = api.keys.get('pdlite-operations') ?? '';
  const { body } = await api.ask('GET', `/audit/records?${teams}`, undefined, other);
  expect(body['records']).toEqual([]);
});
