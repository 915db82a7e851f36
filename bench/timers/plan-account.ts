import type {
  AccountConfig,
  EscalationRule,
  NotificationRule,
  Service,
  TargetRef,
  User,
} from '../../domain/model.ts';
import type { Random } from '../../gamedays/random.ts';
import { planSchedule } from './plan-schedule.ts';
import type { Stretch } from './stretches.ts';

export interface AccountOf {
  readonly seed: number;
  readonly zone: string;
  readonly stretch: Stretch;
  readonly random: Random;
}

/** Minutes. */
const DELAYS: readonly [number, ...number[]] = [
  1, 1, 2, 5, 10, 15, 30, 60, 90, 240, 480, 720, 1440,
];

/** People, schedules, one policy and one service, all at random; an account of its own for each seed. */
export function planAccount(of: AccountOf): AccountConfig {
  const { seed, zone, random } = of;
  const id = `PT${seed}`;
  const users = Array.from({ length: random.int(3, 6) }, (_, n) => planUser(of, n));
  const ids = users.map((user) => user.id);
  const schedules = Array.from({ length: random.int(1, 2) }, (_, n) => planSchedule(of, ids, n));
  const targets: readonly TargetRef[] = [
    ...ids.map((one) => ({ type: 'user', id: one }) as const),
    ...schedules.flatMap((one) => Array<TargetRef>(3).fill({ type: 'schedule', id: one.id })),
  ];
  return {
    account: {
      ...{ id, subdomain: id.toLowerCase(), name: id, timeZone: zone, requireReplyCodes: false },
      catchAllUserId: random.chance(0.5) ? (ids[1] ?? null) : null,
      ownerUserId: ids[0] ?? '',
    },
    ...{ users, schedules, teams: [], apiKeys: [], version: 1 },
    policies: [
      {
        ...{ id: `${id}-E`, name: 'Timers', description: null, teamIds: [] },
        numLoops: random.int(0, 3),
        rules: planRules(`${id}-E`, targets, random),
      },
    ],
    services: [planService(id, random)],
    integrations: [
      {
        ...{ id: `${id}-I`, serviceId: `${id}-S`, name: 'Timers', keyHash: id, lenient: false },
        ...{ type: 'events_api_v2_inbound_integration', rateLimitPerMinute: 100 },
        ...{ mapping: null, topicArn: null, heartbeatTimeoutSec: null },
      },
    ],
  };
}

function planRules(
  id: string,
  targets: readonly TargetRef[],
  random: Random,
): readonly EscalationRule[] {
  return Array.from({ length: random.int(1, 4) }, (_, n) => ({
    id: `${id}${n}`,
    escalationDelayInMinutes: random.chance(0.7) ? random.pick(DELAYS) : random.int(1, 1440),
    targets: Array.from({ length: random.int(1, 2) }, () => {
      const [first, ...rest] = targets;
      return random.pick([first ?? { type: 'user', id: '' }, ...rest]);
    }),
  }));
}

function planService(id: string, random: Random): Service {
  const minutes = (choices: readonly [number, ...number[]]): number | null =>
    random.chance(0.5) ? random.pick(choices) * 60 : null;
  return {
    ...{ id: `${id}-S`, name: 'Timers', description: null, status: 'active', teamIds: [] },
    ...{ escalationPolicyId: `${id}-E`, createdAt: '2026-01-01T00:00:00.000Z' },
    acknowledgementTimeoutSec: minutes([1, 5, 30, 60, 24 * 60]),
    autoResolveTimeoutSec: minutes([30, 240, 24 * 60, 3 * 24 * 60, 7 * 24 * 60]),
    urgencyRule: random.pick(['high', 'high', 'high', 'high', 'severity_based', 'low']),
  };
}

/** Push at once or soon and mostly mail later for what is urgent, mail for the rest: none of them reports receipts. */
function planUser({ seed, zone, random }: AccountOf, n: number): User {
  const id = `PT${seed}-U${n}`;
  const method = (channel: 'push' | 'email', address: string) => ({
    ...{ id: `${id}-${channel}`, userId: id, channel, label: channel, address },
    ...{ verifiedAt: '2026-01-01T00:00:00.000Z', optedOutAt: null, secret: null },
  });
  const rule = (
    urgency: NotificationRule['urgency'],
    channel: 'push' | 'email',
    startDelayInMinutes: number,
  ): NotificationRule => ({
    ...{ id: `${id}-${urgency}-${channel}`, userId: id, urgency, startDelayInMinutes },
    contactMethodId: `${id}-${channel}`,
  });
  const soon = random.pick([0, 0, 0, 0, 2]);
  const later = random.chance(0.5) ? [rule('high', 'email', soon + random.pick([1, 5, 15]))] : [];
  return {
    ...{ id, name: id, email: `${id}@people.test`, timeZone: zone, role: 'user', teamIds: [] },
    ...{ jobTitle: null, description: null },
    contactMethods: [method('push', `push-${id}`), method('email', `${id}@people.test`)],
    notificationRules: [rule('high', 'push', soon), ...later, rule('low', 'email', soon)],
  };
}
