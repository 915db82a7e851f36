import type { AccountIndex } from './directory.ts';
import type { IncidentSettings, PageResult } from './incident/types.ts';
import type { Channel, ContactMethod, TargetRef, Urgency, User } from './model.ts';
import type { PageStep } from './responder/types.ts';
import { onCallAt, renderSchedule } from './schedule/schedule.ts';

/** How far back and ahead the start and the end of a duty are looked for. */
const DUTY_RANGE_MS = 92 * 86_400_000;

const CHANNEL_ORDER: Readonly<Record<Urgency, readonly Channel[]>> = {
  high: ['push', 'sms', 'voice', 'webhook', 'email'],
  low: ['email', 'push', 'webhook', 'sms', 'voice'],
};

/** Whom to page, and how it was found. */
export type Resolution = Pick<PageResult, 'userIds' | 'via' | 'empty'>;

/**
 * Finds the people behind the targets of a rule at `nowIso`, each once, in the targets' order. A person
 * without a contact method that can be paged counts as nobody. The never-drop rule: when all targets lead to
 * nobody, the account's catch-all is paged, then its owner; `nobody` only when neither can be reached.
 */
export function resolveTargets(
  index: AccountIndex,
  targets: readonly TargetRef[],
  nowIso: string,
  urgency: Urgency,
): Resolution {
  const found = targets.map((target) => ({ target, userId: userOf(index, target, nowIso) }));
  const reachable = (userId: string | null): userId is string =>
    userId !== null && isReachable(index, userId, urgency);
  const empty = found.filter(({ userId }) => !reachable(userId)).map(({ target }) => target);
  const userIds = [...new Set(found.map(({ userId }) => userId).filter(reachable))];
  if (userIds.length > 0) return { userIds, via: 'policy', empty };
  const { catchAllUserId, ownerUserId } = index.account;
  if (reachable(catchAllUserId)) return { userIds: [catchAllUserId], via: 'catch_all', empty };
  if (reachable(ownerUserId)) return { userIds: [ownerUserId], via: 'owner', empty };
  return { userIds: [], via: 'nobody', empty };
}

/**
 * The user's notification rules for this urgency as steps in order of delay, without methods that are not
 * verified or have opted out. A user whose rules leave nothing gets every method at once: push, SMS, voice,
 * webhook, e-mail for high urgency, e-mail first for low; so nobody is missed for want of a rule.
 */
export function stepsFor(user: User, urgency: Urgency): readonly PageStep[] {
  const methods = new Map(user.contactMethods.filter(canBePaged).map((item) => [item.id, item]));
  const order = CHANNEL_ORDER[urgency];
  const byRule = user.notificationRules.flatMap((rule) => {
    const method = rule.urgency === urgency ? methods.get(rule.contactMethodId) : undefined;
    return method ? [stepOf(method, rule.startDelayInMinutes * 60)] : [];
  });
  const steps = byRule.length > 0 ? byRule : [...methods.values()].map((item) => stepOf(item, 0));
  return steps.toSorted(
    (a, b) => a.delaySec - b.delaySec || order.indexOf(a.channel) - order.indexOf(b.channel),
  );
}

/** The settings of a service as they are now, as an incident carries them; undefined without such a service. */
export function settingsOf(index: AccountIndex, serviceId: string): IncidentSettings | undefined {
  const service = index.services.get(serviceId);
  const policy = service && index.policies.get(service.escalationPolicyId);
  if (!policy) return undefined;
  const { id, name, acknowledgementTimeoutSec, autoResolveTimeoutSec, urgencyRule } = service;
  return {
    accountId: index.account.id,
    accountSubdomain: index.account.subdomain,
    service: { id, name, acknowledgementTimeoutSec, autoResolveTimeoutSec, urgencyRule },
    policy,
  };
}

/** One line of `GET /oncalls`. Without a schedule the duty has neither start nor end. */
export interface OnCall {
  readonly userId: string;
  readonly scheduleId: string | null;
  readonly policyId: string;
  /** Position of the rule in its policy, from 1. */
  readonly level: number;
  readonly start: string | null;
  readonly end: string | null;
}

/** Everybody on call at `atIso`, by policy, rule and target. Start and end are sought 92 days around it. */
export function onCallsOf(index: AccountIndex, atIso: string): readonly OnCall[] {
  const shifts = new Map<string, Shift | null>();
  const shiftOf = (scheduleId: string): Shift | null => {
    const known = shifts.get(scheduleId);
    if (known !== undefined) return known;
    const made = shiftAt(index, scheduleId, atIso);
    shifts.set(scheduleId, made);
    return made;
  };
  return index.config.policies.flatMap((policy) =>
    policy.rules.flatMap((rule, position) =>
      rule.targets.flatMap((target): readonly OnCall[] => {
        const common = { policyId: policy.id, level: position + 1 };
        if (target.type === 'user') {
          if (!index.users.has(target.id)) return [];
          return [{ ...common, userId: target.id, scheduleId: null, start: null, end: null }];
        }
        const shift = shiftOf(target.id);
        return shift ? [{ ...common, scheduleId: target.id, ...shift }] : [];
      }),
    ),
  );
}

interface Shift {
  readonly userId: string;
  readonly start: string | null;
  readonly end: string | null;
}

function shiftAt(index: AccountIndex, scheduleId: string, atIso: string): Shift | null {
  const schedule = index.schedules.get(scheduleId);
  const atMs = Date.parse(atIso);
  if (!schedule || Number.isNaN(atMs)) return null;
  const userId = onCallAt(schedule, atIso);
  if (userId === null || !index.users.has(userId)) return null;
  const since = new Date(atMs - DUTY_RANGE_MS).toISOString();
  const until = new Date(atMs + DUTY_RANGE_MS).toISOString();
  const entry = renderSchedule(schedule, since, until).find(
    (item) => Date.parse(item.start) <= atMs && atMs < Date.parse(item.end),
  );
  return {
    userId,
    start: entry && entry.start !== since ? entry.start : null,
    end: entry && entry.end !== until ? entry.end : null,
  };
}

function userOf(index: AccountIndex, target: TargetRef, nowIso: string): string | null {
  if (target.type === 'user') return target.id;
  const schedule = index.schedules.get(target.id);
  return schedule ? onCallAt(schedule, nowIso) : null;
}

function isReachable(index: AccountIndex, userId: string, urgency: Urgency): boolean {
  const user = index.users.get(userId);
  return user !== undefined && stepsFor(user, urgency).length > 0;
}

function canBePaged(method: ContactMethod): boolean {
  return method.verifiedAt !== null && method.optedOutAt === null;
}

function stepOf(method: ContactMethod, delaySec: number): PageStep {
  return { contactMethodId: method.id, channel: method.channel, delaySec };
}
