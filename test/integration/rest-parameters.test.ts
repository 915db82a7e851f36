/**
 * Query parameters change what is answered as PagerDuty says they do: ranges that overflow, who is on call next,
 * the time zone of instants, order and filters; and a team's belongings go where they are told to.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';

import { openConfigApi, type ConfigApi } from '../support/config-api.ts';
import { at } from '../support/incident-api.ts';

let api: ConfigApi;
let userId: string;
let policyId: string;
beforeAll(async () => {
  api = await openConfigApi();
  const demo = api.directory.accounts().find(({ account }) => account.subdomain === 'demo');
  userId = demo?.account.ownerUserId ?? '';
  policyId = demo?.config.policies[0]?.id ?? '';
});
afterAll(() => api.close());

async function make(path: string, name: string, fields: object): Promise<string> {
  const { status, body } = await api.ask('POST', path, { [name]: fields });
  expect(status, JSON.stringify(body)).toBe(201);
  return String(at(body, name, 'id'));
}
async function read(path: string, ...place: readonly string[]): Promise<unknown> {
  const { status, body } = await api.ask('GET', path);
  expect(status, JSON.stringify(body)).toBe(200);
  return at(body, ...place);
}
const start = '2026-01-01T00:00:00Z';
const makeSchedule = (name: string, more: object = {}) =>
  make('/schedules', 'schedule', {
    ...{ name, time_zone: 'UTC', ...more },
    schedule_layers: [
      {
        ...{ start, rotation_virtual_start: start, rotation_turn_length_seconds: 86_400 },
        users: [{ user: { id: userId } }],
        restrictions: [
          { type: 'daily_restriction', start_time_of_day: '08:00:00', duration_seconds: 36_000 },
        ],
      },
    ],
  });

test('a rendering is cut at its range unless it may overflow, and shown in the zone asked for', async () => {
  const path = `/schedules/${await makeSchedule('Days')}`;
  const range = 'since=2026-06-01T10:00:00Z&until=2026-06-01T14:00:00Z';
  const place = ['schedule', 'final_schedule', 'rendered_schedule_entries'];
  const entries = (more: string) => read(`${path}?${range}${more}`, ...place);
  expect(await entries('')).toMatchObject([
    { start: '2026-06-01T10:00:00.000Z', end: '2026-06-01T14:00:00.000Z' },
  ]);
  expect(await entries('&overflow=true&time_zone=Europe/Berlin')).toMatchObject([
    { start: '2026-06-01T10:00:00+02:00', end: '2026-06-01T20:00:00+02:00' },
  ]);
  const coverage = ['schedule', 'final_schedule', 'rendered_coverage_percentage'];
  expect(await read(`${path}?${range}&overflow=true`, ...coverage)).toBe(100);
  const before = await read(`${path}?until=2026-02-01T00:00:00Z`, ...place, '0', 'start');
  expect(before).toBe('2026-01-18T08:00:00.000Z');
  expect((await api.ask('GET', `${path}?time_zone=Mars/Olympus`)).status).toBe(400);
});

test('a list shows renderings on demand, and when somebody is on call next', async () => {
  await makeSchedule('Listed');
  const list = (more: string) => read(`/schedules?query=Listed&${more}`, 'schedules', '0');
  const plain = await list('');
  for (const name of ['schedule_layers', 'final_schedule', 'overrides_subschedule'])
    expect(plain).not.toHaveProperty(name);
  const full = await list('include[]=final_schedule&since=2026-06-01T00:00:00Z');
  expect(at(full, 'final_schedule', 'rendered_schedule_entries', 'length')).toBe(14);
  const next = await list(`include_next_oncall_for_user=${userId}`);
  expect(at(next, 'next_oncall_for_user')).toMatchObject({ user: { id: userId } });
  expect(await list('include_next_oncall_for_user=PNOBODY')).not.toHaveProperty(
    'next_oncall_for_user',
  );
});

test('overrides are cut, shown whole, or only those that can still change', async () => {
  const path = `/schedules/${await makeSchedule('Covered')}/overrides`;
  const [from, to] = ['2036-01-01T00:00:00.000Z', '2036-01-05T00:00:00.000Z'];
  await api.ask('POST', path, { override: { start: from, end: to, user: { id: userId } } });
  const range = 'since=2036-01-02T00:00:00Z&until=2036-01-03T00:00:00Z';
  const list = (more: string) => read(`${path}?${range}${more}`, 'overrides');
  expect(await list('')).toMatchObject([
    { start: '2036-01-02T00:00:00.000Z', end: '2036-01-03T00:00:00.000Z' },
  ]);
  expect(await list('&overflow=true')).toMatchObject([{ start: from, end: to }]);
  expect(await list('&editable=true')).toEqual([{ id: expect.any(String) as string }]);
});

test('services come in either order; notification rules of all urgencies', async () => {
  const fields = { escalation_policy: { id: policyId } };
  for (const name of ['Zz first', 'Zz last'])
    await make('/services', 'service', { name, ...fields });
  const names = async (more: string) => {
    const list = await read(`/services?query=Zz&${more}`, 'services');
    return Array.isArray(list) ? list.map((item) => at(item, 'name')) : [];
  };
  expect(await names('')).toEqual(['Zz first', 'Zz last']);
  expect(await names('sort_by=name:desc')).toEqual(['Zz last', 'Zz first']);
  const rules = async (more: string) =>
    Number(
      await read(`/users/${userId}/notification_rules?${more}`, 'notification_rules', 'length'),
    );
  expect(await rules('urgency=all')).toBe(
    (await rules('urgency=high')) + (await rules('urgency=low')),
  );
});

test('a team is deleted when its belongings have gone to another', async () => {
  const [old, heir] = [
    await make('/teams', 'team', { name: 'Old' }),
    await make('/teams', 'team', { name: 'Heir' }),
  ];
  const teams = { teams: [{ id: old }] };
  const service = await make('/services', 'service', {
    ...{ name: 'Owned', escalation_policy: { id: policyId }, teams: [{ id: old }, { id: heir }] },
  });
  const schedule = await makeSchedule('Owned', teams);
  const policy = await make('/escalation_policies', 'escalation_policy', {
    ...{ name: 'Owned', ...teams },
    escalation_rules: [{ escalation_delay_in_minutes: 5, targets: [{ id: userId, type: 'user' }] }],
  });
  for (const more of ['', '?reassignment_team=PNONE', `?reassignment_team=${old}`])
    expect((await api.ask('DELETE', `/teams/${old}${more}`)).status, more).toBe(400);
  expect((await api.ask('DELETE', `/teams/${old}?reassignment_team=${heir}`)).status).toBe(204);
  for (const [path, name] of [
    [`/services/${service}`, 'service'],
    [`/schedules/${schedule}`, 'schedule'],
    [`/escalation_policies/${policy}`, 'escalation_policy'],
  ] as const)
    expect(await read(path, name, 'teams')).toMatchObject([{ id: heir }]);
});
