/**
 * Every operation that PagerDuty has too takes PagerDuty's query parameters, and what it answers, successes
 * and refusals alike, is what PagerDuty's own description says.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { AuthorizationObjects, KINDS, type Ids } from '../support/authorization-objects.ts';
import { GUARDED } from '../support/authorization-table.ts';
import { AuthorizationWorld, type Asked } from '../support/authorization-world.ts';
import { at, openIncidentApi, type IncidentApi } from '../support/incident-api.ts';
import { openPagerDutySpec } from '../support/pagerduty-spec.ts';

const spec = openPagerDutySpec();

/** Operations that PagerDuty does not have. */
const OUR_OWN = [
  'sendVerification',
  'verifyContactMethod',
  'getAccount',
  'updateAccount',
  'listApiKeys',
  'createApiKey',
  'revokeApiKey',
  'deleteIntegration',
  'replyToIncidentResponderRequest',
];
/** Query parameters of PagerDuty's that change nothing here, and why. */
const NOT_TAKEN: Readonly<Record<string, readonly string[]>> = {
  // the answer always holds everything that was changed
  updateIncidents: ['limit', 'offset', 'total'],
  updateIncidentAlerts: ['limit', 'offset', 'total'],
};
/** Where PagerDuty's description differs from what PagerDuty does. */
const MISTAKEN: Readonly<Record<string, RegExp>> = {
  // a user who is on call without a schedule has none
  listOnCalls: /^\/oncalls\/\d+\/schedule /,
};

let api: IncidentApi;
let working: Promise<unknown>;
const over = Promise.withResolvers<undefined>();
let world: AuthorizationWorld;
let objects: AuthorizationObjects;
let ids: Ids;
let document: unknown;

beforeAll(async () => {
  const codes: { readonly code: string }[] = [];
  api = await openIncidentApi({
    sendVerification: (sent) => Promise.resolve(void codes.push(sent)),
  });
  working = api.whileWorking(() => over.promise);
  world = new AuthorizationWorld(api, 'demo');
  await world.addKeys();
  objects = new AuthorizationObjects(world, api, codes);
  ids = await objects.all();
  const team = { teams: [{ id: ids.teamId }] };
  await world.asOwner({
    method: 'PUT',
    path: `/services/${ids.serviceId}`,
    body: { service: team },
  });
  await world.asOwner({
    method: 'PUT',
    path: `/incidents/${ids.incidentId}`,
    body: { incident: { status: 'acknowledged' } },
  });
  await api.directory.refresh();
  document = await (await fetch(`${api.url}/openapi.json`)).json();
});
afterAll(async () => {
  over.resolve(undefined);
  await working;
  await api.close();
});

/** Where an operation of ours stands in its description. */
function placeOf(name: string): {
  readonly method: string;
  readonly path: string;
  readonly query: string[];
} {
  for (const [path, item] of Object.entries(at(document, 'paths') as Record<string, object>)) {
    for (const [method, operation] of Object.entries(item)) {
      if (at(operation, 'operationId') !== name) continue;
      const parameters = (at(operation, 'parameters') ?? []) as unknown[];
      const query = parameters.filter((parameter) => at(parameter, 'in') === 'query');
      return { method, path, query: query.map((parameter) => String(at(parameter, 'name'))) };
    }
  }
  throw new Error(name);
}

const NOWHERE = Object.fromEntries(KINDS.map((kind) => [kind, 'PNOWHERE'])) as Ids;

/** Everything that can be wrong with this request, and the status that says so. */
function refusals(
  name: string,
  asked: Asked,
): readonly (readonly [number, Asked, string | undefined])[] {
  const guarded = GUARDED[name];
  const as = (role: string) =>
    world.credentials.find(({ actor }) => actor?.role === role && actor.userId === null)
      ?.authorization;
  const reads = guarded?.permission.endsWith(':read');
  const nowhere = guarded?.request(NOWHERE);
  const join = asked.path.includes('?') ? '&' : '?';
  return [
    [401, asked, undefined],
    [403, asked, as(reads ? 'restricted_access' : 'observer')],
    ...(nowhere?.path.includes('PNOWHERE')
      ? [[404, { ...asked, path: nowhere.path }, as('owner')] as const]
      : []),
    ...(asked.body === undefined ? [] : [[400, { ...asked, body: 'no' }, as('owner')] as const]),
    ...(placeOf(name).query.includes('limit')
      ? [[400, { ...asked, path: `${asked.path}${join}limit=x` }, as('owner')] as const]
      : []),
  ];
}

const common = Object.keys(GUARDED).filter((name) => !OUR_OWN.includes(name));
describe.skipIf(!spec).each(common)('%s', (name) => {
  test('is as PagerDuty describes it', async () => {
    const guarded = GUARDED[name];
    const { method, path, query } = placeOf(name);
    const described = spec?.operation(method, path);
    if (!described || !guarded || !spec) throw new Error(`PagerDuty has no ${method} ${path}`);
    const taken = new Set([...query, ...(NOT_TAKEN[name] ?? [])]);
    expect.soft(described.query.filter((parameter) => !taken.has(parameter))).toEqual([]);
    const asked = guarded.request(await objects.renewed(guarded.fresh, ids));
    for (const [status, wrong, authorization] of refusals(name, asked)) {
      const answer = await world.ask(wrong, authorization);
      expect.soft(answer.status, JSON.stringify([wrong, answer.body])).toBe(status);
      expect.soft(spec.errorsIn(answer, method, path), String(status)).toEqual([]);
    }
    const answer = await world.asOwner(asked);
    if (name !== 'listOverrides') expect.soft(described.statuses).toContain(answer.status);
    const wrong = spec.errorsIn(answer, method, path);
    expect.soft(wrong.filter((text) => !MISTAKEN[name]?.test(text))).toEqual([]);
  });
});

/** Of an incident, an alert, a log entry and an on-call: what is whole with which `include[]`. */
const WHOLE: readonly (readonly [
  path: (ids: Ids) => string,
  name: string,
  place: string,
  type: string,
])[] = [
  ...(['assignees', 'users'] as const).map(
    (name) => [incident, name, 'incident.assignments.0.assignee', 'user'] as const,
  ),
  [incident, 'acknowledgers', 'incident.acknowledgements.0.acknowledger', 'user'],
  [incident, 'agents', 'incident.last_status_change_by', 'user'],
  [incident, 'services', 'incident.service', 'service'],
  [incident, 'escalation_policies', 'incident.escalation_policy', 'escalation_policy'],
  [incident, 'teams', 'incident.teams.0', 'team'],
  [incident, 'first_trigger_log_entries', 'incident.first_trigger_log_entry', 'trigger_log_entry'],
  [() => `/incidents?x=1`, 'services', 'incidents.0.service', 'service'],
  [(i) => `${incident(i)}/alerts`, 'services', 'alerts.0.service', 'service'],
  [(i) => `${incident(i)}/alerts`, 'incidents', 'alerts.0.incident', 'incident'],
  [
    (i) => `${incident(i)}/alerts`,
    ...([
      'first_trigger_log_entries',
      'alerts.0.first_trigger_log_entry',
      'trigger_log_entry',
    ] as const),
  ],
  [(i) => `/log_entries/${i.entryId}`, 'services', 'log_entry.service', 'service'],
  [(i) => `/log_entries/${i.entryId}`, 'incidents', 'log_entry.incident', 'incident'],
  [(i) => `/log_entries/${i.entryId}`, 'teams', 'log_entry.teams.0', 'team'],
  [() => '/oncalls', 'users', 'oncalls.0.user', 'user'],
  [() => '/oncalls', 'escalation_policies', 'oncalls.0.escalation_policy', 'escalation_policy'],
  [() => '/oncalls', 'schedules', 'oncalls.0.schedule', 'schedule'],
  [(i) => `/teams/${i.teamId}/members`, 'users', 'members.0.user', 'user'],
  [
    (i) => `/users/${i.userId}/notification_rules/${i.ruleId}`,
    ...(['contact_methods', 'notification_rule.contact_method', 'email_contact_method'] as const),
  ],
  [
    (i) => `/services/${i.serviceId}/integrations/${i.integrationId}`,
    ...(['services', 'integration.service', 'service'] as const),
  ],
  [
    (i) => `/services/${i.serviceId}`,
    'escalation_policies',
    'service.escalation_policy',
    'escalation_policy',
  ],
  [(i) => `/services/${i.serviceId}`, 'teams', 'service.teams.0', 'team'],
  [
    (i) => `/services/${i.serviceId}`,
    'integrations',
    'service.integrations.0',
    'events_api_v2_inbound_integration',
  ],
  [
    (i) => `/escalation_policies/${i.policyId}`,
    'services',
    'escalation_policy.services.0',
    'service',
  ],
  [
    (i) => `/escalation_policies/${i.policyId}`,
    'targets',
    'escalation_policy.escalation_rules.0.targets.0',
    'user',
  ],
];
function incident(i: Ids): string {
  return `/incidents/${i.incidentId}`;
}

test.each(WHOLE)('%s include[]=%s shows %s whole', async (path, name, place, type) => {
  const url = path(ids);
  const shown = async (include: string) => {
    const { body } = await world.asOwner({
      method: 'GET',
      path: `${url}${url.includes('?') ? '&' : '?'}${include}`,
    });
    return at(body, ...place.split('.'));
  };
  expect(at(await shown(`include[]=${name}`), 'type')).toBe(type);
  expect(at(await shown(''), 'type')).toMatch(/_reference$/);
});
