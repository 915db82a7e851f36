/**
 * What the configuration routes answer is what PagerDuty's own description of its REST API says, with everything
 * filled in: each kind of contact method, restrictions, layers that end, targets of both kinds, teams.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { openConfigApi, type ConfigApi } from '../support/config-api.ts';
import { at, type ApiAnswer } from '../support/incident-api.ts';
import { openPagerDutySpec } from '../support/pagerduty-spec.ts';

const spec = openPagerDutySpec();

describe.skipIf(!spec)('PagerDuty’s response schemas', () => {
  let api: ConfigApi;
  let seq = 0;
  beforeAll(async () => {
    api = await openConfigApi();
  });
  afterAll(() => api.close());

  function expectValid(answer: ApiAnswer, status: number, method: string, path: string): void {
    expect(answer.status, JSON.stringify(answer.body)).toBe(status);
    expect(spec?.errorsIn(answer, method, path), `${method} ${path}`).toEqual([]);
  }

  /** Creates, gets, lists where there is a list, and updates; the id of what was made. */
  async function exercise(
    path: string,
    real: string,
    body: Record<string, object>,
    more: { readonly list?: boolean; readonly one: string },
  ): Promise<string> {
    const [name = '', input = {}] = Object.entries(body)[0] ?? [];
    const made = await api.ask('POST', real, body);
    expectValid(made, 201, 'post', path);
    const id = String(at(made.body, name, 'id'));
    expectValid(await api.ask('GET', `${real}/${id}`), 200, 'get', more.one);
    if (more.list !== false) {
      expectValid(await api.ask('GET', `${real}?total=true&limit=100`), 200, 'get', path);
    }
    expectValid(await api.ask('PUT', `${real}/${id}`, { [name]: input }), 200, 'put', more.one);
    return id;
  }

  test('users, methods and rules', async () => {
    const user = { type: 'user', name: 'Una', email: 'una@example.com', description: 'd' };
    const id = await exercise('/users', '/users', { user }, { one: '/users/{id}' });
    const include = 'include[]=contact_methods&include[]=notification_rules&include[]=teams';
    // the description knows references only, though real answers hold what was included
    expect((await api.ask('GET', `/users/${id}?${include}`)).status).toBe(200);
    const methods = '/users/{id}/contact_methods';
    const own = `/users/${id}/contact_methods`;
    let method = '';
    for (const [type, address] of [
      ['email_contact_method', 'una2@example.com'],
      ['sms_contact_method', '4155552671'],
      ['phone_contact_method', '4155552671'],
    ] as const) {
      const contact_method = { type, label: 'L', address, country_code: 1 };
      const one = `${methods}/{contact_method_id}`;
      method = await exercise(methods, own, { contact_method }, { one });
    }
    await exercise(
      '/users/{id}/notification_rules',
      `/users/${id}/notification_rules`,
      {
        notification_rule: {
          type: 'assignment_notification_rule',
          start_delay_in_minutes: 1,
          urgency: 'high',
          contact_method: { id: method, type: 'phone_contact_method_reference' },
        },
      },
      { one: '/users/{id}/notification_rules/{notification_rule_id}' },
    );
  });

  test('teams, schedules, policies, services, integrations and on-calls', async () => {
    const userId = api.directory.accounts().find(({ account }) => account.subdomain === 'demo')
      ?.account.ownerUserId;
    const user = { id: userId, type: 'user_reference' };
    seq += 1;
    const team = { type: 'team', name: `Team ${seq}` };
    const teamId = await exercise('/teams', '/teams', { team }, { one: '/teams/{id}' });
    await api.ask('PUT', `/teams/${teamId}/users/${userId ?? ''}`);
    const members = await api.ask('GET', `/teams/${teamId}/members`);
    expectValid(members, 200, 'get', '/teams/{id}/members');
    const start = '2026-01-01T00:00:00Z';
    const layers = [
      {
        start,
        // real answers say null for a layer without end, which the description forgets
        end: '2030-01-01T00:00:00Z',
        rotation_virtual_start: start,
        rotation_turn_length_seconds: 86_400,
        users: [{ user }],
        restrictions: [
          { type: 'daily_restriction', start_time_of_day: '08:00:00', duration_seconds: 3600 },
        ],
      },
    ];
    const schedule = {
      type: 'schedule',
      name: 'Contract',
      time_zone: 'UTC',
      schedule_layers: layers,
    };
    const scheduleId = await exercise(
      '/schedules',
      '/schedules',
      { schedule },
      { one: '/schedules/{id}' },
    );
    const preview = await api.ask('POST', '/schedules/preview', { schedule });
    expect(preview.status).toBe(200);
    const range = 'since=2026-02-01T00:00:00Z&until=2026-02-08T00:00:00Z';
    const on = await api.ask('GET', `/schedules/${scheduleId}/users?${range}`);
    expectValid(on, 200, 'get', '/schedules/{id}/users');
    const escalation_policy = {
      type: 'escalation_policy',
      name: 'Contract',
      num_loops: 2,
      escalation_rules: [
        {
          escalation_delay_in_minutes: 5,
          targets: [user, { id: scheduleId, type: 'schedule_reference' }],
        },
      ],
      teams: [{ id: teamId, type: 'team_reference' }],
    };
    const policyId = await exercise(
      '/escalation_policies',
      '/escalation_policies',
      { escalation_policy },
      { one: '/escalation_policies/{id}' },
    );
    const service = {
      type: 'service',
      name: 'Contract',
      escalation_policy: { id: policyId, type: 'escalation_policy_reference' },
    };
    const serviceId = await exercise(
      '/services',
      '/services',
      { service },
      { one: '/services/{id}' },
    );
    const include = 'include[]=integrations&include[]=escalation_policies&include[]=teams';
    expect((await api.ask('GET', `/services/${serviceId}?${include}`)).status).toBe(200);
    await exercise(
      '/services/{id}/integrations',
      `/services/${serviceId}/integrations`,
      { integration: { type: 'events_api_v2_inbound_integration', name: 'Events' } },
      { list: false, one: '/services/{id}/integrations/{integration_id}' },
    );
    expectValid(await api.ask('GET', '/abilities'), 200, 'get', '/abilities');
    expect((await api.ask('GET', '/oncalls')).status).toBe(200);
  });

  test('audit records', async () => {
    const made = await api.ask('POST', '/teams', { team: { type: 'team', name: 'Audited' } });
    await api.ask('PUT', `/teams/${String(at(made.body, 'team', 'id'))}`, {
      team: { type: 'team', name: 'Audited again' },
    });
    const list = await api.ask('GET', '/audit/records?limit=2');
    expectValid(list, 200, 'get', '/audit/records');
    expect(at(list.body, 'records', '0')).toMatchObject({
      action: 'update',
      details: { fields: [{ name: 'name' }] },
      root_resource: { type: 'team_reference' },
    });
  });
});
