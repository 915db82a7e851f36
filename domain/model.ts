/**
 * The configuration of an account as every process holds it in memory (the directory).
 * Words and value sets are PagerDuty's REST API v2. Times are ISO 8601 strings, everything is JSON.
 */

export type Urgency = 'high' | 'low';
export type Severity = 'critical' | 'error' | 'warning' | 'info';
export type Channel = 'email' | 'sms' | 'voice' | 'push' | 'webhook';
/** PagerDuty's base roles (REST v2, `User.role`). */
export type Role =
  | 'owner'
  | 'admin'
  | 'user'
  | 'limited_user'
  | 'observer'
  | 'read_only_user'
  | 'read_only_limited_user'
  | 'restricted_access';

export interface Account {
  readonly id: string;
  /** Readable part of URLs and logs, unique, `[a-z0-9-]{1,40}`. */
  readonly subdomain: string;
  readonly name: string;
  /** IANA name. */
  readonly timeZone: string;
  /** Paged when a policy leads to nobody. */
  readonly catchAllUserId: string | null;
  /** Paged when there is no catch-all either. */
  readonly ownerUserId: string;
  /** With true, a bare `4` or `6` by SMS never counts. */
  readonly requireReplyCodes: boolean;
}

export interface ContactMethod {
  readonly id: string;
  readonly userId: string;
  readonly channel: Channel;
  readonly label: string;
  /** E-mail address, E.164 number, push topic or https URL. */
  readonly address: string;
  /** Null: not verified, so never paged. */
  readonly verifiedAt: string | null;
  /** Set by STOP, cleared by START. */
  readonly optedOutAt: string | null;
  /** Secret for signing the body; `webhook` only. */
  readonly secret: string | null;
}

export interface NotificationRule {
  readonly id: string;
  readonly userId: string;
  readonly urgency: Urgency;
  readonly contactMethodId: string;
  readonly startDelayInMinutes: number;
}

export interface User {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly timeZone: string;
  readonly role: Role;
  readonly jobTitle: string | null;
  readonly description: string | null;
  readonly teamIds: readonly string[];
  readonly contactMethods: readonly ContactMethod[];
  readonly notificationRules: readonly NotificationRule[];
}

export interface Team {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
}

/** `daily`: every day from `startTimeOfDay`; `weekly`: once a week from `startDayOfWeek` (Monday 1). */
export interface Restriction {
  readonly type: 'daily_restriction' | 'weekly_restriction';
  /** `HH:mm:ss` in the schedule's time zone. */
  readonly startTimeOfDay: string;
  readonly durationSeconds: number;
  readonly startDayOfWeek?: number;
}

/** PagerDuty's `schedule_layers[]`. The last layer in the list that has somebody wins. */
export interface ScheduleLayer {
  readonly id: string;
  readonly name: string;
  readonly start: string;
  readonly end: string | null;
  /** Handoffs happen at this instant's wall-clock time in the schedule's zone. */
  readonly rotationVirtualStart: string;
  readonly rotationTurnLengthSeconds: number;
  readonly userIds: readonly string[];
  readonly restrictions: readonly Restriction[];
}

export interface Override {
  readonly id: string;
  readonly userId: string;
  readonly start: string;
  readonly end: string;
  readonly createdAt: string;
}

export interface Schedule {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly timeZone: string;
  readonly layers: readonly ScheduleLayer[];
  readonly overrides: readonly Override[];
  readonly teamIds: readonly string[];
}

export interface TargetRef {
  readonly type: 'user' | 'schedule';
  readonly id: string;
}

export interface EscalationRule {
  readonly id: string;
  readonly escalationDelayInMinutes: number;
  readonly targets: readonly TargetRef[];
}

export interface EscalationPolicy {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  /** How often the rules are gone through again after the first time, 0 to 9. */
  readonly numLoops: number;
  readonly rules: readonly EscalationRule[];
  readonly teamIds: readonly string[];
}

export interface Service {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly status: 'active' | 'disabled';
  readonly escalationPolicyId: string;
  /** Seconds; null never. */
  readonly acknowledgementTimeoutSec: number | null;
  /** Seconds; null never. */
  readonly autoResolveTimeoutSec: number | null;
  /** `severity_based`: critical and error are high, the rest is low. */
  readonly urgencyRule: Urgency | 'severity_based';
  readonly teamIds: readonly string[];
  readonly createdAt: string;
}

export type IntegrationType =
  | 'events_api_v2_inbound_integration'
  | 'events_api_v1_inbound_integration'
  | 'alertmanager_inbound_integration'
  | 'grafana_inbound_integration'
  | 'cloudwatch_inbound_integration'
  | 'generic_email_inbound_integration'
  | 'heartbeat_inbound_integration'
  | 'generic_json_inbound_integration';

export interface Integration {
  readonly id: string;
  readonly serviceId: string;
  readonly name: string;
  readonly type: IntegrationType;
  /** SHA-256 hex of the 32-character integration key. */
  readonly keyHash: string;
  /** Lenient: what strict refuses is truncated or defaulted, pages, and returns a warning. */
  readonly lenient: boolean;
  /** Events a minute; above it PagerDuty's 429. */
  readonly rateLimitPerMinute: number;
  /** `generic_json` only: JSON pointers into the body, see docs/operations.md. */
  readonly mapping: GenericMapping | null;
  /** `cloudwatch` only: ARN of the SNS topic whose posts are taken; null: of none. */
  readonly topicArn: string | null;
  /** `heartbeat` only: seconds without a beat after which an incident opens, 30 to 604,800. */
  readonly heartbeatTimeoutSec: number | null;
}

/** JSON pointers (RFC 6901) that say where a generic body keeps each field. */
export interface GenericMapping {
  readonly summary: string;
  readonly source?: string;
  readonly severity?: string;
  readonly dedupKey?: string;
  readonly action?: string;
  /** Values at `action` that mean resolve; anything else triggers. */
  readonly resolveValues?: readonly string[];
}

/** One account's whole configuration. */
export interface AccountConfig {
  readonly account: Account;
  readonly users: readonly User[];
  readonly teams: readonly Team[];
  readonly schedules: readonly Schedule[];
  readonly policies: readonly EscalationPolicy[];
  readonly services: readonly Service[];
  readonly integrations: readonly Integration[];
  readonly apiKeys: readonly ApiKey[];
  /** Grows with each change. */
  readonly version: number;
}

/** A REST key: of the account (no user, acts by `From`) or of a user. */
export interface ApiKey {
  readonly id: string;
  readonly keyHash: string;
  readonly userId: string | null;
  readonly role: Role;
  readonly readOnly: boolean;
  readonly expiresAt: string | null;
}
