import type { TeamMember } from '../../db/stores/teams.ts';
import type { Channel, ContactMethod, NotificationRule, Team, User } from '../../domain/model.ts';
import parsePhoneNumber from 'libphonenumber-js';
import type { Refer } from './shared/references.ts';

/** PagerDuty's name of a channel; `webhook` is our own. */
export const METHOD_TYPES: Readonly<Record<Channel, string>> = {
  email: 'email_contact_method',
  sms: 'sms_contact_method',
  voice: 'phone_contact_method',
  push: 'push_notification_contact_method',
  webhook: 'webhook_contact_method',
};

/** Lists of a user that are answered in full instead of as references. */
export type UserIncludes = ReadonlySet<string>;

/** A user as PagerDuty shows one. */
export function userJson(
  refer: Refer,
  user: User,
  teams: ReadonlyMap<string, Team>,
  includes: UserIncludes = new Set(),
): Record<string, unknown> {
  return {
    ...refer('user', `users/${user.id}`, user.name),
    name: user.name,
    email: user.email,
    time_zone: user.timeZone,
    color: 'green',
    role: user.role,
    description: user.description,
    invitation_sent: false,
    job_title: user.jobTitle ?? '',
    created_via_sso: false,
    teams: user.teamIds.flatMap((id) => {
      const team = teams.get(id);
      if (!team) return [];
      return [includes.has('teams') ? teamJson(refer, team) : teamReference(refer, team)];
    }),
    contact_methods: user.contactMethods.map((method) =>
      includes.has('contact_methods') ? methodJson(refer, method) : methodReference(refer, method),
    ),
    notification_rules: user.notificationRules.map((rule) =>
      includes.has('notification_rules')
        ? ruleJson(refer, rule, user.contactMethods)
        : ruleReference(refer, rule),
    ),
  };
}

export function userReference(refer: Refer, user: { readonly id: string; readonly name: string }) {
  return refer('user_reference', `users/${user.id}`, user.name);
}

export function teamJson(refer: Refer, team: Team): Record<string, unknown> {
  return {
    ...refer('team', `teams/${team.id}`, team.name),
    name: team.name,
    description: team.description ?? '',
    default_role: 'manager',
  };
}

export function teamReference(refer: Refer, team: Team) {
  return refer('team_reference', `teams/${team.id}`, team.name);
}

export function memberJson(refer: Refer, member: TeamMember): Record<string, unknown> {
  return {
    user: userReference(refer, { id: member.userId, name: member.userName }),
    role: member.role,
  };
}

/** A contact method; never its secret. `verified_at` and `opted_out_at` are our own. */
export function methodJson(refer: Refer, method: ContactMethod): Record<string, unknown> {
  const type = METHOD_TYPES[method.channel];
  return {
    ...refer(type, methodPath(method), method.label),
    label: method.label,
    ...addressJson(method),
    verified_at: method.verifiedAt,
    opted_out_at: method.optedOutAt,
  };
}

function addressJson(method: ContactMethod): Record<string, unknown> {
  const enabled = method.verifiedAt !== null;
  const blacklisted = method.optedOutAt !== null;
  switch (method.channel) {
    case 'sms':
    case 'voice': {
      const phone = parsePhoneNumber(method.address);
      return {
        address: phone?.nationalNumber ?? method.address,
        country_code: Number(phone?.countryCallingCode ?? 1),
        enabled,
        blacklisted,
      };
    }
    case 'push':
      return { address: method.address, device_type: 'android', sounds: [], blacklisted };
    case 'email':
      return { address: method.address, send_short_email: false, enabled };
    case 'webhook':
      return { address: method.address, enabled };
  }
}

export function methodReference(refer: Refer, method: ContactMethod) {
  return refer(`${METHOD_TYPES[method.channel]}_reference`, methodPath(method), method.label);
}

function methodPath(method: ContactMethod): string {
  return `users/${method.userId}/contact_methods/${method.id}`;
}

export function ruleJson(
  refer: Refer,
  rule: NotificationRule,
  methods: readonly ContactMethod[],
  includes: ReadonlySet<string> = new Set(),
): Record<string, unknown> {
  const shown = includes.has('contact_methods') ? methodJson : methodReference;
  const method = methods.find((candidate) => candidate.id === rule.contactMethodId);
  return {
    ...refer('assignment_notification_rule', rulePath(rule), ruleText(rule)),
    start_delay_in_minutes: rule.startDelayInMinutes,
    urgency: rule.urgency,
    contact_method: method ? shown(refer, method) : null,
  };
}

function ruleReference(refer: Refer, rule: NotificationRule) {
  return refer('assignment_notification_rule_reference', rulePath(rule), ruleText(rule));
}

function rulePath(rule: NotificationRule): string {
  return `users/${rule.userId}/notification_rules/${rule.id}`;
}

function ruleText(rule: NotificationRule): string {
  return `${rule.startDelayInMinutes} minutes, ${rule.urgency} urgency`;
}
