// One statement, so that an account is read as it was at one instant. Keys are those of domain/model.ts.
const iso = (column: string): string =>
  `to_char(${column} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
const list = (item: string, from: string): string =>
  `coalesce((select jsonb_agg(${item} order by x.created_at, x.id) from ${from}), '[]')`;
const own = (table: string): string => `${table} x where x.account_id = a.id`;

const contactMethods = list(
  `jsonb_build_object('id', x.id, 'userId', x.user_id, 'channel', x.channel, 'label', x.label,
    'address', x.address, 'verifiedAt', ${iso('x.verified_at')}, 'optedOutAt', ${iso('x.opted_out_at')},
    'secret', x.secret)`,
  `contact_methods x where x.account_id = a.id and x.user_id = u.id`,
);
const notificationRules = `coalesce((select jsonb_agg(jsonb_build_object('id', x.id, 'userId', x.user_id,
    'urgency', x.urgency, 'contactMethodId', x.contact_method_id,
    'startDelayInMinutes', x.start_delay_in_minutes) order by x.start_delay_in_minutes, x.id)
  from notification_rules x where x.account_id = a.id and x.user_id = u.id), '[]')`;
const users = `coalesce((select jsonb_agg(jsonb_build_object('id', u.id, 'name', u.name, 'email', u.email,
    'timeZone', u.time_zone, 'role', u.role, 'jobTitle', u.job_title, 'description', u.description,
    'teamIds', coalesce((select jsonb_agg(t.team_id order by t.team_id) from team_members t
       where t.account_id = a.id and t.user_id = u.id), '[]'),
    'contactMethods', ${contactMethods}, 'notificationRules', ${notificationRules}) order by u.created_at, u.id)
  from users u where u.account_id = a.id), '[]')`;
const overrides = list(
  `jsonb_build_object('id', x.id, 'userId', x.user_id, 'start', ${iso('x.starts_at')},
    'end', ${iso('x.ends_at')}, 'createdAt', ${iso('x.created_at')})`,
  // Overrides of the past stay in the table; pages and lists need only a while of them.
  `schedule_overrides x where x.account_id = a.id and x.schedule_id = s.id
    and x.ends_at > now() - interval '400 days'`,
);
const schedules = `coalesce((select jsonb_agg(jsonb_build_object('id', s.id, 'name', s.name,
    'description', s.description, 'timeZone', s.time_zone, 'layers', s.layers,
    'overrides', ${overrides}, 'teamIds', to_jsonb(s.team_ids)) order by s.created_at, s.id)
  from schedules s where s.account_id = a.id), '[]')`;

/** Reads whole `AccountConfig` documents (column `config`) for the account ids in `$1`. */
export const ACCOUNT_CONFIGS = `
select jsonb_build_object(
  'account', jsonb_build_object('id', a.id, 'subdomain', a.subdomain, 'name', a.name,
    'timeZone', a.time_zone, 'catchAllUserId', a.catch_all_user_id, 'ownerUserId', a.owner_user_id,
    'requireReplyCodes', a.require_reply_codes),
  'version', v.version,
  'users', ${users},
  'teams', ${list(`jsonb_build_object('id', x.id, 'name', x.name, 'description', x.description)`, own('teams'))},
  'schedules', ${schedules},
  'policies', ${list(
    `jsonb_build_object('id', x.id, 'name', x.name, 'description', x.description,
      'numLoops', x.num_loops, 'rules', x.rules, 'teamIds', to_jsonb(x.team_ids))`,
    own('escalation_policies'),
  )},
  'services', ${list(
    `jsonb_build_object('id', x.id, 'name', x.name, 'description', x.description, 'status', x.status,
      'escalationPolicyId', x.escalation_policy_id,
      'acknowledgementTimeoutSec', x.acknowledgement_timeout_sec,
      'autoResolveTimeoutSec', x.auto_resolve_timeout_sec, 'urgencyRule', x.urgency_rule,
      'teamIds', to_jsonb(x.team_ids), 'createdAt', ${iso('x.created_at')})`,
    own('services'),
  )},
  'integrations', ${list(
    `jsonb_build_object('id', x.id, 'serviceId', x.service_id, 'name', x.name, 'type', x.type,
      'keyHash', x.key_hash, 'lenient', x.lenient, 'rateLimitPerMinute', x.rate_limit_per_minute,
      'mapping', x.mapping, 'topicArn', x.topic_arn,
      'heartbeatTimeoutSec', x.heartbeat_timeout_sec)`,
    own('integrations'),
  )},
  'apiKeys', ${list(
    `jsonb_build_object('id', x.id, 'keyHash', x.key_hash, 'userId', x.user_id, 'role', x.role,
      'readOnly', x.read_only, 'expiresAt', ${iso('x.expires_at')})`,
    own('api_keys'),
  )}) as config
from accounts a join directory_versions v on v.account_id = a.id
where a.id = any($1)`;

/** The version of every account, and what the server is that says so; small, since it is asked every second. */
export const ACCOUNT_VERSIONS = `select pg_is_in_recovery() as "isStandby",
  current_setting('transaction_read_only') = 'on' as "isReadOnly",
  pg_postmaster_start_time()::text as server,
  (select coalesce(jsonb_object_agg(v.account_id, v.version), '{}') from directory_versions v) as versions`;

export interface VersionsRow {
  readonly isStandby: boolean;
  /** A standby, or a server that was frozen or demoted by a setting. */
  readonly isReadOnly: boolean;
  /** Another one for another server. */
  readonly server: string;
  readonly versions: Readonly<Record<string, number>>;
}
