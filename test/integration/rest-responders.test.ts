/**
 * Whoever is asked to respond to an incident is paged for it, and answers: join or decline. Who asks is in the
 * body, as in PagerDuty, so that the key of an account needs no `From` there.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';

import type { AccountIndex } from '../../domain/directory.ts';
import { at, incidentId, openIncidentApi, type IncidentApi } from '../support/incident-api.ts';

let api: IncidentApi;
let demo: AccountIndex;

beforeAll(async () => {
  api = await openIncidentApi();
  const index = api.directory.accounts().find(({ account }) => account.subdomain === 'demo');
  if (!index) throw new Error('no demo account');
  demo = index;
});
afterAll(() => api.close());

const user = (n: number) => ({ id: demo.config.users[n]?.id ?? '', type: 'user_reference' });
const errorOf = ({ status, body }: { status: number; body: unknown }) => [
  status,
  at(body, 'error', 'code'),
];
async function create(): Promise<string> {
  const service = { id: demo.config.services[0]?.id, type: 'service_reference' };
  const incident = { type: 'incident', title: 'Help wanted', service };
  return `/incidents/${incidentId(await api.ask('POST', '/incidents', { incident }))}`;
}
const request = (path: string, targets: readonly object[], more: object = {}, from?: string) =>
  api.ask(
    'POST',
    `${path}/responder_requests`,
    {
      ...{ requester_id: user(0).id, message: 'Please look' },
      responder_request_targets: targets,
      ...more,
    },
    from === undefined ? {} : { from },
  );
/** State of each responder, by user. */
async function states(path: string): Promise<unknown> {
  const { body } = await api.ask('GET', path);
  const list = at(body, 'incident', 'incidents_responders');
  if (!Array.isArray(list)) return list;
  return list.map((item: unknown) => [at(item, 'user', 'id'), at(item, 'state')]);
}

test('users and the first rule of a policy are asked, and answer for themselves', async () => {
  await api.whileWorking(async () => {
    const path = await create();
    const asked = await request(path, [user(1), { responder_request_target: user(2) }]);
    expect([asked.status, at(asked.body, 'responder_request')]).toMatchObject([
      200,
      { message: 'Please look', requester: { id: user(0).id } },
    ]);
    const pending = [user(1), user(2)].map(({ id }) => [id, 'pending']);
    await expect.poll(() => states(path), { timeout: 20_000 }).toEqual(pending);
    for (const [n, reply] of [
      [1, 'joined'],
      [2, 'declined'],
    ] as const) {
      const from = demo.config.users[n]?.email ?? '';
      const answer = await api.ask('PUT', `${path}/responder_requests`, { reply }, { from });
      expect(answer.status).toBe(200);
    }
    expect(await states(path)).toEqual([
      [user(1).id, 'joined'],
      [user(2).id, 'declined'],
    ]);
    const policy = { id: demo.config.policies[0]?.id, type: 'escalation_policy_reference' };
    expect((await request(path, [policy])).status).toBe(200);
    const { body } = await api.ask('GET', `${path}/log_entries`);
    expect(JSON.stringify(body)).not.toContain('undefined');
  });
});

test('without From the requester of the body acts; a wrong From is refused all the same', async () => {
  await api.whileWorking(async () => {
    const path = await create();
    const headerless = await fetch(`${api.url}${path}/responder_requests`, {
      method: 'POST',
      headers: { authorization: `Token token=${api.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        ...{ requester_id: user(1).id, message: 'No header' },
        responder_request_targets: [user(2)],
      }),
    });
    expect(headerless.status).toBe(200);
    const added = async () => JSON.stringify((await api.ask('GET', `${path}/log_entries`)).body);
    const name = demo.users.get(user(1).id)?.name ?? '';
    await expect.poll(added, { timeout: 20_000 }).toContain(`${name} asked for responders`);
    expect(errorOf(await request(path, [user(1)], {}, 'nobody@example.com'))).toEqual([400, 1008]);
  });
});

test('what cannot be asked is refused whole', async () => {
  await api.whileWorking(async () => {
    const path = await create();
    const unknown = { id: 'PNOBODY', type: 'user_reference' };
    const cases: readonly (readonly [readonly object[], object])[] = [
      [[user(1), unknown], {}],
      [[{ ...unknown, type: 'escalation_policy_reference' }], {}],
      [[], {}],
      [Array.from({ length: 51 }, () => user(1)), {}],
      [[user(1)], { requester_id: 'PNOBODY' }],
      [[user(1)], { message: 'x'.repeat(1025) }],
      [[user(1)], { message: undefined }],
    ];
    for (const [targets, more] of cases)
      expect(errorOf(await request(path, targets, more))).toEqual([400, 2001]);
    expect(await states(path)).toEqual([]);
    expect(errorOf(await request('/incidents/PNONE', [user(1)]))).toEqual([404, 5001]);
    await api.ask('PUT', path, { incident: { type: 'incident', status: 'resolved' } });
    expect(errorOf(await request(path, [user(1)]))).toEqual([400, 1001]);
  });
});
