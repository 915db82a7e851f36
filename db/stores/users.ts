import type { ContactMethod, NotificationRule, User } from '../../domain/model.ts';
import { countRows, createTable, type Trx } from './table.ts';

/** A user's own columns; methods, rules and teams are in their own tables. */
export type UserRecord = Omit<User, 'teamIds' | 'contactMethods' | 'notificationRules'>;

interface UserRow {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly time_zone: string;
  readonly role: User['role'];
  readonly job_title: string | null;
  readonly description: string | null;
}

export const users = createTable<UserRow, UserRecord>({
  name: 'users',
  search: ['name', 'email'],
  orderBy: 'name',
  toItem: (row) => ({
    id: row.id,
    name: row.name,
    email: row.email,
    timeZone: row.time_zone,
    role: row.role,
    jobTitle: row.job_title,
    description: row.description,
  }),
  toRow: (user) => ({
    name: user.name,
    email: user.email,
    time_zone: user.timeZone,
    role: user.role,
    job_title: user.jobTitle,
    description: user.description,
  }),
});

interface MethodRow {
  readonly id: string;
  readonly user_id: string;
  readonly channel: ContactMethod['channel'];
  readonly label: string;
  readonly address: string;
  readonly secret: string | null;
  readonly verified_at: string | null;
  readonly opted_out_at: string | null;
}

export const contactMethods = createTable<MethodRow, ContactMethod>({
  name: 'contact_methods',
  search: ['label', 'address'],
  orderBy: 'created_at',
  toItem: (row) => ({
    id: row.id,
    userId: row.user_id,
    channel: row.channel,
    label: row.label,
    address: row.address,
    secret: row.secret,
    verifiedAt: row.verified_at,
    optedOutAt: row.opted_out_at,
  }),
  toRow: (method) => ({
    user_id: method.userId,
    channel: method.channel,
    label: method.label,
    address: method.address,
    secret: method.secret,
    verified_at: method.verifiedAt,
    opted_out_at: method.optedOutAt,
  }),
});

interface RuleRow {
  readonly id: string;
  readonly user_id: string;
  readonly urgency: NotificationRule['urgency'];
  readonly contact_method_id: string;
  readonly start_delay_in_minutes: number;
}

export const notificationRules = createTable<RuleRow, NotificationRule>({
  name: 'notification_rules',
  search: [],
  orderBy: 'start_delay_in_minutes',
  toItem: (row) => ({
    id: row.id,
    userId: row.user_id,
    urgency: row.urgency,
    contactMethodId: row.contact_method_id,
    startDelayInMinutes: row.start_delay_in_minutes,
  }),
  toRow: (rule) => ({
    user_id: rule.userId,
    urgency: rule.urgency,
    contact_method_id: rule.contactMethodId,
    start_delay_in_minutes: rule.startDelayInMinutes,
  }),
});

/** Users with everything that belongs to them, in the order of `records`; four statements at most. */
export async function completeUsers(
  trx: Trx,
  records: readonly UserRecord[],
): Promise<readonly User[]> {
  const ids = records.map((record) => record.id);
  const methods = await contactMethods.where(trx, 'user_id', ids);
  const rules = await notificationRules.where(trx, 'user_id', ids);
  const members = (await trx('team_members').whereIn('user_id', ids).orderBy('team_id')) as {
    readonly user_id: string;
    readonly team_id: string;
  }[];
  return records.map((record) => ({
    ...record,
    contactMethods: methods.filter((method) => method.userId === record.id),
    notificationRules: rules.filter((rule) => rule.userId === record.id),
    teamIds: members.filter((row) => row.user_id === record.id).map((row) => row.team_id),
  }));
}

/** How many open incidents are assigned to the user, as far as they are projected. */
export async function countOpenIncidents(trx: Trx, userId: string): Promise<number> {
  return await countRows(
    trx('incidents')
      .whereNot({ status: 'resolved' })
      .whereRaw('assignee_ids @> ?::text[]', [[userId]]),
  );
}
