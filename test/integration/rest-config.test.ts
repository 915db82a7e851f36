/**
 * Configuration over HTTP on a real PostgreSQL: what is written is read back, whole or not at all; nobody
 * sees or changes another account; references lead somewhere; nobody gets rights that they were not given.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { apiKeys } from '../../db/stores/api-keys.ts';
import { hashKey, newApiKey, newId } from '../../platform/ids.ts';
import { openConfigApi, type ConfigApi } from '../support/config-api.ts';
import { at, type ApiAnswer } from '../support/incident-api.ts';

let api: ConfigApi;
let seq = 0;
beforeAll(async () => {
  api = await openConfigApi();
});
afterAll(() => api.close());

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const unique = (name: string) => `${name} ${(seq += 1)}`;
const idOf = (answer: ApiAnswer, name: string): string => text(at(answer.body, name, 'id'));
const errorsOf = (answer: ApiAnswer) => JSON.stringify(answer.body['error']);

async function make(path: string, name: string, body: object): Promise<string> {
  const answer = await api.ask('POST', path, { [name]: body });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return idOf(answer, name);
}
const makeUser = (more: object = {}) =>
  make('/users', 'user', {
    name: unique('Uma'),
    email: `u${(seq += 1)}@example.com`,
    type: 'user',
    ...more,
  });
const layer = (userId: string) => ({
  start: '2026-01-01T00:00:00Z',
  rotation_virtual_start: '2026-01-01T00:00:00Z',
  rotation_turn_length_seconds: 86_400,
  users: [{ user: { id: userId, type: 'user_reference' } }],
});
const makeSchedule = (userId: string) =>
  make('/schedules', 'schedule', {
    name: unique('Plan'),
    time_zone: 'Europe/Berlin',
    schedule_layers: [layer(userId)],
  });
const makePolicy = (id: string, type = 'user_reference') =>
  make('/escalation_policies', 'escalation_policy', {
    name: unique('Policy'),
    escalation_rules: [{ escalation_delay_in_minutes: 5, targets: [{ id, type }] }],
  });
const makeService = (policyId: string) =>
  make('/services', 'service', {
    name: unique('Service'),
    escalation_policy: { id: policyId, type: 'escalation_policy_reference' },
  });
async function makeKey(role: string): Promise<string> {
  const answer = await api.ask('POST', '/api_keys', { api_key: { name: role, role } });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  const key = text(at(answer.body, 'api_key', 'key'));
  expect((await api.askUntil(200, '/abilities', key)).status).toBe(200);
  return key;
}

/** A key with the owner's role; the api itself never lets an admin make one. */
async function ownerKey(): Promise<string> {
  const demo = api.directory.accounts().find(({ account }) => account.subdomain === 'demo');
  const key = newApiKey();
  const { id: accountId = '', ownerUserId: userId = '' } = demo?.account ?? {};
  await api.database.inAccount(accountId, (trx) =>
    apiKeys.insert(trx, accountId, {
      id: newId(),
      name: 'owner',
      keyHash: hashKey(key),
      userId,
      role: 'owner',
      readOnly: false,
      expiresAt: null,
      createdAt: new Date().toISOString(),
    }),
  );
  expect((await api.askUntil(200, '/abilities', key)).status).toBe(200);
  return key;
}

describe('users', () => {
  test('are created with an unverified e-mail method and a rule for each urgency', async () => {
    const id = await makeUser();
    const answer = await api.ask(
      'GET',
      `/users/${id}?include[]=contact_methods&include[]=notification_rules`,
    );
    const user = answer.body['user'];
    expect(at(user, 'contact_methods')).toMatchObject([
      { type: 'email_contact_method', enabled: false, verified_at: null },
    ]);
    expect(at(user, 'notification_rules')).toMatchObject([
      { start_delay_in_minutes: 0 },
      { start_delay_in_minutes: 0 },
    ]);
    const changed = await api.ask('PUT', `/users/${id}`, { user: { name: 'Renamed' } });
    expect(changed.body['user']).toMatchObject({ id, name: 'Renamed' });
    expect((await api.ask('DELETE', `/users/${id}`)).status).toBe(204);
    expect((await api.ask('GET', `/users/${id}`)).body['error']).toMatchObject({ code: 2100 });
  });

  test('share no address, whatever its case', async () => {
    const email = `same${(seq += 1)}@example.com`;
    await makeUser({ email });
    const again = await api.ask('POST', '/users', {
      user: { name: 'Other', email: email.toUpperCase() },
    });
    expect(again.status).toBe(400);
    expect(errorsOf(again)).toContain('user.email');
  });

  test('are never given fields that are not theirs to give', async () => {
    const id = await makeUser({ id: 'PFORGED', account_id: 'POTHER', verified_at: '2026-01-01' });
    expect(id).not.toBe('PFORGED');
    const owner = { name: 'X', email: 'x@example.com', role: 'owner' };
    expect((await api.ask('POST', '/users', { user: owner })).status).toBe(403);
    expect((await api.ask('POST', '/users', { user: owner }, await ownerKey())).status).toBe(400);
    const account = await api.ask(
      'PUT',
      '/account',
      { account: { owner_user_id: id } },
      await ownerKey(),
    );
    expect(account.status).toBe(400);
  });

  test('cannot go while something needs them', async () => {
    const id = await makeUser();
    await makePolicy(id);
    const answer = await api.ask('DELETE', `/users/${id}`);
    expect(answer.status).toBe(400);
    expect(errorsOf(answer)).toContain('escalation policy');
  });
});

describe('paging', () => {
  test('limits, offsets, says more, counts on demand and searches', async () => {
    const tag = `pager${(seq += 1)}`;
    for (const n of [1, 2, 3]) await make('/teams', 'team', { name: `${tag} ${n} 100%_` });
    const first = await api.ask('GET', `/teams?query=${tag}&limit=2`);
    expect(first.body).toMatchObject({ limit: 2, offset: 0, more: true, total: null });
    expect(first.body['teams']).toHaveLength(2);
    const rest = await api.ask('GET', `/teams?query=${tag}&limit=2&offset=2&total=true`);
    expect(rest.body).toMatchObject({ more: false, total: 3 });
    expect(at((await api.ask('GET', '/teams?query=100%25_')).body, 'teams', '2')).toBeDefined();
    expect((await api.ask('GET', '/teams?query=zz%25')).body['teams']).toEqual([]);
    expect((await api.ask('GET', '/teams?offset=9990&limit=11')).status).toBe(400);
    expect((await api.ask('GET', '/teams?limit=0')).status).toBe(400);
    expect((await api.ask('GET', '/teams?limit=1000')).body['limit']).toBe(100);
  });
});

describe('contact methods', () => {
  test('are verified by a code that was sent there, and lose it with a new address', async () => {
    const id = await makeUser();
    const path = `/users/${id}/contact_methods`;
    const method = await make(path, 'contact_method', {
      type: 'sms_contact_method',
      label: 'Mobile',
      address: '415 555 2671',
      country_code: 1,
    });
    const one = `${path}/${method}`;
    expect((await api.ask('POST', `${one}/verification`)).status).toBe(202);
    const sent = api.codes.at(-1);
    expect(sent).toMatchObject({ address: '+14155552671', channel: 'sms' });
    const wrong = sent?.code === '000000' ? '000001' : '000000';
    expect((await api.ask('PUT', `${one}/verification`, { code: wrong })).status).toBe(400);
    const right = await api.ask('PUT', `${one}/verification`, { code: sent?.code });
    expect(right.body['contact_method']).toMatchObject({ enabled: true });
    expect((await api.ask('PUT', `${one}/verification`, { code: sent?.code })).status).toBe(400);
    const same = await api.ask('PUT', one, { contact_method: { label: 'Phone' } });
    expect(same.body['contact_method']).toMatchObject({ enabled: true, label: 'Phone' });
    const moved = await api.ask('PUT', one, { contact_method: { address: '+14155552672' } });
    expect(moved.body['contact_method']).toMatchObject({ enabled: false, verified_at: null });
  });

  test('get at most three codes an hour a user, also when they are made anew, and five tries', async () => {
    const id = await makeUser();
    const path = `/users/${id}/contact_methods`;
    const body = { type: 'push_notification_contact_method', label: 'Push', address: 'topic-1' };
    let method = await make(path, 'contact_method', body);
    expect((await api.ask('POST', `${path}/${method}/verification`)).status).toBe(202);
    const code = api.codes.at(-1)?.code ?? '';
    const wrong = code === '111111' ? '111112' : '111111';
    for (let n = 0; n < 5; n += 1) {
      await api.ask('PUT', `${path}/${method}/verification`, { code: wrong });
    }
    expect((await api.ask('PUT', `${path}/${method}/verification`, { code })).status).toBe(400);
    expect((await api.ask('POST', `${path}/${method}/verification`)).status).toBe(202);
    await api.ask('DELETE', `${path}/${method}`);
    method = await make(path, 'contact_method', body);
    expect((await api.ask('POST', `${path}/${method}/verification`)).status).toBe(202);
    expect((await api.ask('POST', `${path}/${method}/verification`)).status).toBe(429);
  });

  test.each([
    ['sms_contact_method', '12'],
    ['phone_contact_method', 'not a number'],
    ['email_contact_method', 'a@b'],
    ['push_notification_contact_method', '../admin'],
    ['webhook_contact_method', 'http://example.com/'],
    ['webhook_contact_method', 'https://user:pass@example.com/'],
    ['carrier_pigeon', 'home'],
  ])('of type %s refuse the address %s', async (type, address) => {
    const id = await makeUser();
    const answer = await api.ask('POST', `/users/${id}/contact_methods`, {
      contact_method: { type, label: 'L', address },
    });
    expect(answer.status).toBe(400);
    expect(errorsOf(answer)).toContain('contact_method.');
  });

  test('are at most ten, three of them for SMS, and a webhook’s secret is shown once', async () => {
    const id = await makeUser();
    const path = `/users/${id}/contact_methods`;
    const add = (type: string, address: string) =>
      api.ask('POST', path, { contact_method: { type, label: 'L', address } });
    for (const n of [1, 2, 3]) {
      expect((await add('sms_contact_method', `+1415555267${n}`)).status).toBe(201);
    }
    expect((await add('sms_contact_method', '+14155552674')).status).toBe(400);
    const hook = await add('webhook_contact_method', 'https://example.com/hook');
    expect(at(hook.body, 'contact_method', 'secret')).toHaveLength(43);
    const read = await api.ask('GET', `${path}/${idOf(hook, 'contact_method')}`);
    expect(read.body['contact_method']).not.toHaveProperty('secret');
    for (const n of [1, 2, 3, 4, 5]) await add('email_contact_method', `e${n}@example.com`);
    expect((await add('email_contact_method', 'e6@example.com')).status).toBe(400);
    expect((await api.ask('GET', path)).body['contact_methods']).toHaveLength(10);
  });

  test('of one user cannot stand in a rule of another', async () => {
    const [a, b] = [await makeUser(), await makeUser()];
    const methods = await api.ask('GET', `/users/${a}/contact_methods`);
    const theirs = at(methods.body, 'contact_methods', '0', 'id');
    const rule = { start_delay_in_minutes: 1, urgency: 'high', contact_method: { id: theirs } };
    const answer = await api.ask('POST', `/users/${b}/notification_rules`, {
      notification_rule: rule,
    });
    expect(answer.status).toBe(400);
    expect((await api.ask('GET', `/users/${b}/contact_methods/${text(theirs)}`)).status).toBe(404);
    const own = await make(`/users/${a}/notification_rules`, 'notification_rule', rule);
    const path = `/users/${a}/notification_rules/${own}`;
    const changed = await api.ask('PUT', path, { notification_rule: { urgency: 'low' } });
    expect(changed.body['notification_rule']).toMatchObject({ urgency: 'low' });
    expect((await api.ask('DELETE', path)).status).toBe(204);
  });
});

describe('schedules, policies and services', () => {
  test('render who is on call, and an override takes over', async () => {
    const [a, b] = [await makeUser(), await makeUser()];
    const id = await makeSchedule(a);
    const start = new Date(Date.now() + 3_600_000).toISOString();
    const end = new Date(Date.now() + 7_200_000).toISOString();
    const made = await api.ask('POST', `/schedules/${id}/overrides`, {
      overrides: [{ start, end, user: { id: b, type: 'user_reference' } }],
    });
    expect(made.status).toBe(201);
    const shown = await api.ask('GET', `/schedules/${id}?since=${start}&until=${end}`);
    expect(at(shown.body, 'schedule', 'final_schedule')).toMatchObject({
      rendered_coverage_percentage: 100,
      rendered_schedule_entries: [{ start, end, user: { id: b } }],
    });
    const on = await api.ask('GET', `/schedules/${id}/users?since=${start}&until=${end}`);
    expect(on.body['users']).toMatchObject([{ id: b }]);
    const list = await api.ask('GET', `/schedules/${id}/overrides?since=${start}&until=${end}`);
    const override = text(at(list.body, 'overrides', '0', 'id'));
    expect((await api.ask('DELETE', `/schedules/${id}/overrides/${override}`)).status).toBe(204);
    expect((await api.ask('GET', `/schedules/${id}/overrides`)).status).toBe(400);
  });

  test('write all overrides or none', async () => {
    const a = await makeUser();
    const id = await makeSchedule(a);
    const start = new Date(Date.now() + 3_600_000).toISOString();
    const end = new Date(Date.now() + 7_200_000).toISOString();
    const answer = await api.ask('POST', `/schedules/${id}/overrides`, {
      overrides: [
        { start, end, user: { id: a } },
        { start, end, user: { id: 'PNOBODY' } },
      ],
    });
    expect(answer.status).toBe(400);
    expect(errorsOf(answer)).toContain('overrides.user');
    const list = await api.ask('GET', `/schedules/${id}/overrides?since=${start}&until=${end}`);
    expect(list.body['overrides']).toEqual([]);
  });

  test('refuse references that lead nowhere, and to delete what is in use', async () => {
    const user = await makeUser();
    const schedule = await makeSchedule(user);
    const policy = await makePolicy(schedule, 'schedule_reference');
    const service = await makeService(policy);
    const inUse = await api.ask('DELETE', `/schedules/${schedule}`);
    expect(inUse.status).toBe(400);
    expect((await api.ask('DELETE', `/escalation_policies/${policy}`)).status).toBe(400);
    const bad = await api.ask('POST', '/services', {
      service: { name: unique('S'), escalation_policy: { id: 'PNONE' } },
    });
    expect(bad.status).toBe(400);
    expect(errorsOf(bad)).toContain('service.escalation_policy');
    const badTarget = await api.ask('PUT', `/escalation_policies/${policy}`, {
      escalation_policy: {
        escalation_rules: [
          { escalation_delay_in_minutes: 1, targets: [{ id: schedule, type: 'user' }] },
        ],
      },
    });
    expect(badTarget.status).toBe(400);
    for (const [path, status] of [
      [`/services/${service}`, 204],
      [`/escalation_policies/${policy}`, 204],
      [`/schedules/${schedule}`, 204],
      [`/schedules/${schedule}`, 404],
    ] as const) {
      expect((await api.ask('DELETE', path)).status).toBe(status);
    }
  });

  test.each<[string, { num_loops?: number; rule?: object }]>([
    ['num_loops', { num_loops: 10 }],
    ['escalation_delay_in_minutes', { rule: { escalation_delay_in_minutes: 0 } }],
    ['targets', { rule: { targets: [] } }],
  ])('a policy refuses %s out of range', async (field, given) => {
    const answer = await api.ask('POST', '/escalation_policies', {
      escalation_policy: {
        name: unique('P'),
        escalation_rules: [
          {
            escalation_delay_in_minutes: 1,
            targets: [{ id: 'P', type: 'user' }],
            ...given.rule,
          },
        ],
        ...given,
      },
    });
    expect(answer.status).toBe(400);
    expect(errorsOf(answer)).toContain(field);
  });

  test('a service has PagerDuty’s timeouts, and null or 0 switch them off', async () => {
    const service = await makeService(await makePolicy(await makeUser()));
    const first = await api.ask('GET', `/services/${service}`);
    expect(first.body['service']).toMatchObject({
      auto_resolve_timeout: 14_400,
      acknowledgement_timeout: 1800,
    });
    const off = await api.ask('PUT', `/services/${service}`, {
      service: { auto_resolve_timeout: null, acknowledgement_timeout: 0 },
    });
    expect(off.body['service']).toMatchObject({
      auto_resolve_timeout: null,
      acknowledgement_timeout: null,
    });
  });

  test('an integration’s key is shown once, and works everywhere within two seconds', async () => {
    const service = await makeService(await makePolicy(await makeUser()));
    const path = `/services/${service}/integrations`;
    const made = await api.ask('POST', path, {
      integration: { type: 'generic_json_inbound_integration', mapping: { summary: '/title' } },
    });
    expect(at(made.body, 'integration', 'integration_key')).toMatch(/^[0-9a-f]{32}$/);
    const one = `${path}/${idOf(made, 'integration')}`;
    const read = await api.ask('GET', one);
    expect(read.body['integration']).toMatchObject({ mapping: { summary: '/title' } });
    expect(read.body['integration']).not.toHaveProperty('integration_key');
    const lenient = await api.ask('PUT', one, { integration: { lenient: true } });
    expect(lenient.body['integration']).toMatchObject({ lenient: true });
    const unknown = await api.ask('PUT', one, { integration: { mapping: { summery: '/x' } } });
    expect(unknown.status).toBe(400);
    expect((await api.ask('DELETE', one)).status).toBe(204);
  });

  test('on-calls follow policies', async () => {
    const user = await makeUser();
    const policy = await makePolicy(await makeSchedule(user), 'schedule_reference');
    const deadline = Date.now() + 2000;
    let found = await api.ask('GET', `/oncalls?escalation_policy_ids[]=${policy}`);
    while (at(found.body, 'oncalls', '0') === undefined && Date.now() < deadline) {
      found = await api.ask('GET', `/oncalls?escalation_policy_ids[]=${policy}`);
    }
    expect(found.body['oncalls']).toMatchObject([{ escalation_level: 1, user: { id: user } }]);
  });
});

describe('teams', () => {
  test('have members, and stay while something belongs to them', async () => {
    const [team, user] = [await make('/teams', 'team', { name: unique('Team') }), await makeUser()];
    expect((await api.ask('PUT', `/teams/${team}/users/${user}`)).status).toBe(204);
    await api.ask('PUT', `/teams/${team}/users/${user}`, { role: 'responder' });
    const members = await api.ask('GET', `/teams/${team}/members`);
    expect(members.body['members']).toMatchObject([{ role: 'responder', user: { id: user } }]);
    const users = await api.ask('GET', `/users?team_ids[]=${team}`);
    expect(users.body['users']).toMatchObject([{ id: user, teams: [{ id: team }] }]);
    const service = await makeService(await makePolicy(user));
    await api.ask('PUT', `/services/${service}`, { service: { teams: [{ id: team }] } });
    expect((await api.ask('DELETE', `/teams/${team}`)).status).toBe(400);
    expect((await api.ask('DELETE', `/teams/${team}/users/${user}`)).status).toBe(204);
    expect((await api.ask('DELETE', `/teams/${team}/users/${user}`)).status).toBe(404);
  });
});

describe('accounts', () => {
  test('never see or change each other', async () => {
    const other = [...api.keys].find(([name]) => name !== 'demo')?.[1] ?? '';
    expect(other).not.toBe('');
    const user = await makeUser();
    const schedule = await makeSchedule(user);
    const policy = await makePolicy(user);
    const service = await makeService(policy);
    for (const path of [
      `/users/${user}`,
      `/users/${user}/contact_methods`,
      `/schedules/${schedule}`,
      `/escalation_policies/${policy}`,
      `/services/${service}`,
    ]) {
      expect((await api.ask('GET', path, undefined, other)).status, path).toBe(404);
    }
    for (const path of [`/users/${user}`, `/schedules/${schedule}`, `/services/${service}`]) {
      expect((await api.ask('DELETE', path, undefined, other)).status, path).toBe(404);
    }
    const rules = [{ escalation_delay_in_minutes: 1, targets: [{ id: user, type: 'user' }] }];
    const crossed = await api.ask(
      'POST',
      '/escalation_policies',
      { escalation_policy: { name: 'Crossed', escalation_rules: rules } },
      other,
    );
    expect(crossed.status).toBe(400);
    expect((await api.ask('GET', `/users/${user}`)).status).toBe(200);
  });

  test('have settings of their own', async () => {
    const [user, key] = [await makeUser(), await ownerKey()];
    const put = (account: object) => api.ask('PUT', '/account', { account }, key);
    const set = await put({ catch_all_user: { id: user }, require_reply_codes: true });
    expect(set.body['account']).toMatchObject({ catch_all_user: { id: user } });
    const bad = await put({ catch_all_user: { id: 'PNO' } });
    expect(bad.status).toBe(400);
    expect((await api.ask('DELETE', `/users/${user}`)).status).toBe(400);
    const cleared = await put({ catch_all_user: null });
    expect(cleared.body['account']).toMatchObject({ catch_all_user: null });
  });
});

describe('roles', () => {
  test('decide who may do what', async () => {
    const [admin, manager, responder] = [
      await makeKey('admin'),
      await makeKey('user'),
      await makeKey('limited_user'),
    ];
    const user = await makeUser();
    const cases: readonly (readonly [string, string, object | undefined, readonly number[]])[] = [
      ['GET', '/users', undefined, [200, 200, 200]],
      ['POST', '/teams', { team: { name: 'T' } }, [201, 400, 403]],
      ['POST', '/users', { user: { name: 'N', email: 'n@example.com' } }, [201, 403, 403]],
      ['PUT', `/users/${user}`, { user: { name: 'N' } }, [200, 403, 403]],
      ['POST', '/api_keys', { api_key: { name: 'k', role: 'user' } }, [201, 403, 403]],
      ['POST', '/api_keys', { api_key: { name: 'k', role: 'owner' } }, [403, 403, 403]],
      ['PUT', '/account', { account: { name: 'Mine' } }, [403, 403, 403]],
    ];
    for (const [method, path, body, wanted] of cases) {
      for (const [n, key] of [admin, manager, responder].entries()) {
        const { status } = await api.ask(method, path, body, key);
        expect(status, `${method} ${path} as ${['admin', 'user', 'limited_user'][n]}`).toBe(
          wanted[n],
        );
      }
    }
  });

  test('let users change themselves, but not what they may do', async () => {
    const [user, other] = [await makeUser({ role: 'observer' }), await makeUser()];
    const made = await api.ask('POST', '/api_keys', {
      api_key: { name: 'own', user: { id: user } },
    });
    const key = text(at(made.body, 'api_key', 'key'));
    expect((await api.askUntil(200, '/abilities', key)).status).toBe(200);
    const as = (path: string, body: object) => api.ask('PUT', path, body, key);
    expect((await as(`/users/${user}`, { user: { name: 'Me' } })).status).toBe(200);
    expect((await as(`/users/${user}`, { user: { role: 'admin' } })).status).toBe(403);
    expect((await as(`/users/${other}`, { user: { name: 'Them' } })).status).toBe(403);
    const revoked = await api.ask('DELETE', `/api_keys/${idOf(made, 'api_key')}`);
    expect(revoked.status).toBe(204);
    expect((await api.askUntil(401, '/abilities', key)).status).toBe(401);
  });

  // mount.ts sorts `/users/{id}` before `/users/me` (localeCompare puts `~` before letters), so the route
  // is never reached. This fails, and is to become an ordinary test, once literal paths do go first.
  test('/users/me is the user of the key', async () => {
    const answer = await api.ask('GET', '/users/me', undefined, await ownerKey());
    expect(answer.status).toBe(200);
  });
});
