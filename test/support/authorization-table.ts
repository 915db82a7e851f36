import type { Permission } from '../../domain/permissions.ts';
import { override, schedule, user, type Ids, type Kind } from './authorization-objects.ts';
import type { Asked } from './authorization-world.ts';

/** What an operation needs, and a request of it that succeeds for whoever has that. */
export interface Guarded {
  readonly permission: Permission;
  readonly request: (ids: Ids) => Asked;
  /** Kinds of which each success needs a new object, because it uses the old one up. */
  readonly fresh: readonly Kind[];
  /** Answers only for users; the key of an account is told so by a 400. */
  readonly ofUser?: true;
}

let seq = 0;
const unique = (name: string) => `${name} ${(seq += 1)}`;
const get = (path: string): Asked => ({ method: 'GET', path });
const post = (path: string, body?: unknown): Asked => ({ method: 'POST', path, body });
const put = (path: string, body?: unknown): Asked => ({ method: 'PUT', path, body });
const del = (path: string): Asked => ({ method: 'DELETE', path });

type Request = Guarded['request'];
const needs =
  (permission: Permission) =>
  (request: Request, ...fresh: readonly Kind[]): Guarded => ({ permission, request, fresh });
const reads = needs('configuration:read');
const configures = needs('configuration:write');
const own = needs('own_user:write');
const people = needs('users:write');
const keys = needs('keys:write');
const looks = needs('incidents:read');
const responds = needs('incidents:write');

const method = (i: Ids) => `/users/${i.userId}/contact_methods/${i.methodId}`;
const rule = (i: Ids) => `/users/${i.userId}/notification_rules/${i.ruleId}`;
const integration = (i: Ids) => `/services/${i.serviceId}/integrations/${i.integrationId}`;
const incident = (i: Ids) => `/incidents/${i.incidentId}`;
const policy = (i: Ids) => ({
  name: unique('Policy'),
  escalation_rules: [
    {
      escalation_delay_in_minutes: 5,
      targets: [user(i.userId), { id: i.scheduleId, type: 'schedule_reference' }],
    },
  ],
  teams: [{ id: i.teamId }],
});
const service = (i: Ids) => ({
  name: unique('Service'),
  escalation_policy: { id: i.policyId },
  teams: [{ id: i.teamId }],
});
const wholeSchedule = (i: Ids) => ({
  ...{ name: unique('Schedule'), teams: [{ id: i.teamId }] },
  ...schedule(i.userId),
});
/** Every operation with a key, by its `operationId`. The test fails for an operation that is not here. */
export const GUARDED: Readonly<Record<string, Guarded>> = {
  listUsers: reads(() => get('/users')),
  createUser: people(() =>
    post('/users', {
      user: {
        name: 'New',
        email: `${unique('new').replace(' ', '')}@example.com`,
        role: 'observer',
      },
    }),
  ),
  getCurrentUser: { ...reads(() => get('/users/me')), ofUser: true },
  getUser: reads((i) => get(`/users/${i.userId}`)),
  updateUser: own((i) => put(`/users/${i.userId}`, { user: { job_title: unique('Title') } })),
  deleteUser: people((i) => del(`/users/${i.userId}`), 'userId'),
  listContactMethods: reads((i) => get(`/users/${i.userId}/contact_methods`)),
  createContactMethod: own((i) =>
    post(`/users/${i.userId}/contact_methods`, {
      contact_method: {
        type: 'push_notification_contact_method',
        label: 'P',
        address: unique('t').replace(' ', '-'),
      },
    }),
  ),
  getContactMethod: reads((i) => get(method(i))),
  updateContactMethod: own((i) => put(method(i), { contact_method: { label: unique('Label') } })),
  deleteContactMethod: own((i) => del(method(i)), 'methodId'),
  sendVerification: own((i) => post(`${method(i)}/verification`), 'methodId'),
  verifyContactMethod: own(
    (i) => put(`${method(i)}/verification`, { code: i.code }),
    'methodId',
    'code',
  ),
  listNotificationRules: reads((i) => get(`/users/${i.userId}/notification_rules`)),
  createNotificationRule: own((i) =>
    post(`/users/${i.userId}/notification_rules`, {
      notification_rule: {
        start_delay_in_minutes: 3,
        urgency: 'low',
        contact_method: { id: i.methodId },
      },
    }),
  ),
  getNotificationRule: reads((i) => get(rule(i))),
  updateNotificationRule: own((i) =>
    put(rule(i), {
      notification_rule: {
        start_delay_in_minutes: (seq += 1) % 60,
        contact_method: { id: i.methodId },
      },
    }),
  ),
  deleteNotificationRule: own((i) => del(rule(i)), 'ruleId'),

  listTeams: reads(() => get('/teams')),
  createTeam: configures(() => post('/teams', { team: { name: unique('Team') } })),
  getTeam: reads((i) => get(`/teams/${i.teamId}`)),
  updateTeam: configures((i) => put(`/teams/${i.teamId}`, { team: { name: unique('Team') } })),
  deleteTeam: configures((i) => del(`/teams/${i.teamId}`), 'teamId'),
  listTeamMembers: reads((i) => get(`/teams/${i.teamId}/members`)),
  addTeamMember: configures((i) =>
    put(`/teams/${i.teamId}/users/${i.userId}`, { role: 'responder' }),
  ),
  removeTeamMember: configures((i) => del(`/teams/${i.teamId}/users/${i.memberId}`), 'memberId'),

  listSchedules: reads(() => get('/schedules')),
  createSchedule: configures((i) => post('/schedules', { schedule: wholeSchedule(i) })),
  previewSchedule: reads((i) => post('/schedules/preview', { schedule: wholeSchedule(i) })),
  getSchedule: reads((i) => get(`/schedules/${i.scheduleId}`)),
  updateSchedule: configures((i) =>
    put(`/schedules/${i.scheduleId}`, { schedule: wholeSchedule(i) }),
  ),
  deleteSchedule: configures((i) => del(`/schedules/${i.scheduleId}`), 'scheduleId'),
  listScheduleUsers: reads((i) => get(`/schedules/${i.scheduleId}/users`)),
  listOverrides: reads((i) =>
    get(
      `/schedules/${i.scheduleId}/overrides?since=2026-01-01T00:00:00Z&until=2026-02-01T00:00:00Z`,
    ),
  ),
  createOverrides: configures((i) =>
    post(`/schedules/${i.scheduleId}/overrides`, { overrides: [override(i.userId)] }),
  ),
  deleteOverride: configures(
    (i) => del(`/schedules/${i.scheduleId}/overrides/${i.overrideId}`),
    'overrideId',
  ),

  listAbilities: reads(() => get('/abilities')),
  getAbility: reads(() => get('/abilities/teams')),
  getAccount: reads(() => get('/account')),
  updateAccount: needs('account:write')((i) =>
    put('/account', { account: { name: unique('Account'), catch_all_user: { id: i.userId } } }),
  ),
  listApiKeys: keys(() => get('/api_keys')),
  createApiKey: keys((i) =>
    post('/api_keys', { api_key: { name: 'New', user: { id: i.userId } } }),
  ),
  revokeApiKey: keys((i) => del(`/api_keys/${i.keyId}`), 'keyId'),

  listAuditRecords: needs('audit:read')(() => get('/audit/records')),
  listEscalationPolicies: reads(() => get('/escalation_policies')),
  createEscalationPolicy: configures((i) =>
    post('/escalation_policies', { escalation_policy: policy(i) }),
  ),
  getEscalationPolicy: reads((i) => get(`/escalation_policies/${i.policyId}`)),
  updateEscalationPolicy: configures((i) =>
    put(`/escalation_policies/${i.policyId}`, { escalation_policy: policy(i) }),
  ),
  deleteEscalationPolicy: configures((i) => del(`/escalation_policies/${i.policyId}`), 'policyId'),
  listOnCalls: reads(() => get('/oncalls')),
  listServices: reads(() => get('/services')),
  createService: configures((i) => post('/services', { service: service(i) })),
  getService: reads((i) => get(`/services/${i.serviceId}`)),
  updateService: configures((i) => put(`/services/${i.serviceId}`, { service: service(i) })),
  deleteService: configures((i) => del(`/services/${i.serviceId}`), 'serviceId'),
  createIntegration: configures((i) =>
    post(`/services/${i.serviceId}/integrations`, { integration: { name: unique('Integration') } }),
  ),
  getIntegration: reads((i) => get(integration(i))),
  updateIntegration: configures((i) => put(integration(i), { integration: { name: unique('I') } })),
  deleteIntegration: configures((i) => del(integration(i)), 'integrationId'),

  listIncidents: looks(() => get('/incidents')),
  getIncident: looks((i) => get(incident(i))),
  createIncident: responds((i) =>
    post('/incidents', {
      incident: {
        ...{ title: unique('Created'), service: { id: i.serviceId } },
        assignments: [{ assignee: user(i.userId) }],
      },
    }),
  ),
  updateIncidents: responds((i) =>
    put('/incidents', { incidents: [{ id: i.incidentId, title: unique('Renamed') }] }),
  ),
  updateIncident: responds((i) =>
    put(incident(i), {
      incident: { title: unique('Renamed'), assignments: [{ assignee: user(i.userId) }] },
    }),
  ),
  snoozeIncident: responds((i) => post(`${incident(i)}/snooze`, { duration: 600 })),
  mergeIncidents: responds(
    (i) => put(`${incident(i)}/merge`, { source_incidents: [{ id: i.sourceId }] }),
    'sourceId',
  ),
  listIncidentAlerts: looks((i) => get(`${incident(i)}/alerts`)),
  getIncidentAlert: looks((i) => get(`${incident(i)}/alerts/${i.alertId}`)),
  updateIncidentAlerts: responds((i) =>
    put(`${incident(i)}/alerts`, { alerts: [{ id: i.alertId, status: 'triggered' }] }),
  ),
  updateIncidentAlert: responds((i) =>
    put(`${incident(i)}/alerts/${i.alertId}`, { alert: { status: 'triggered' } }),
  ),
  listIncidentNotes: looks((i) => get(`${incident(i)}/notes`)),
  createIncidentNote: responds((i) => post(`${incident(i)}/notes`, { note: { content: 'Note' } })),
  listIncidentLogEntries: looks((i) => get(`${incident(i)}/log_entries`)),
  listLogEntries: looks(() => get('/log_entries')),
  getLogEntry: looks((i) => get(`/log_entries/${i.entryId}`)),
  createIncidentResponderRequest: responds((i) =>
    post(`${incident(i)}/responder_requests`, {
      ...{ requester_id: i.userId, message: 'Help' },
      responder_request_targets: [user(i.userId)],
    }),
  ),
  replyToIncidentResponderRequest: responds((i) =>
    put(`${incident(i)}/responder_requests`, { reply: 'joined' }),
  ),
};
