// Somebody is always paged while anybody can be: targets first, then the catch-all, then the owner; and a
// person is paged only by verified methods that have not opted out.
import { describe, expect, it } from 'vitest';

import { indexAccount, type AccountIndex } from './directory.ts';
import type { Channel, ContactMethod, NotificationRule, Schedule, User } from './model.ts';
import { onCallsOf, resolveTargets, settingsOf, stepsFor } from './on-call.ts';

const NOW = '2026-06-03T10:00:00Z';
const user = (id: string) => ({ type: 'user', id }) as const;
const onSchedule = (id: string) => ({ type: 'schedule', id }) as const;

function method(channel: Channel, part: Partial<ContactMethod> = {}): ContactMethod {
  return {
    id: `M-${channel}`,
    userId: 'U',
    channel,
    label: channel,
    address: channel,
    verifiedAt: NOW,
    optedOutAt: null,
    secret: null,
    ...part,
  };
}

function person(id: string, contactMethods: readonly ContactMethod[] = [method('sms')]): User {
  return {
    id,
    name: id,
    email: `${id}@example.com`,
    timeZone: 'Etc/UTC',
    role: 'user',
    jobTitle: null,
    description: null,
    teamIds: [],
    contactMethods,
    notificationRules: [],
  };
}

function rule(
  urgency: 'high' | 'low',
  channel: Channel,
  startDelayInMinutes: number,
): NotificationRule {
  return {
    id: `R-${urgency}-${channel}-${startDelayInMinutes}`,
    userId: 'U',
    urgency,
    contactMethodId: `M-${channel}`,
    startDelayInMinutes,
  };
}

function schedule(id: string, userIds: readonly string[]): Schedule {
  const start = '2026-06-01T09:00:00.000Z';
  return {
    id,
    name: id,
    description: null,
    timeZone: 'Etc/UTC',
    layers: [
      {
        id: 'L',
        name: 'L',
        start,
        end: null,
        rotationVirtualStart: start,
        rotationTurnLengthSeconds: 7 * 86_400,
        userIds,
        restrictions: [],
      },
    ],
    overrides: [],
    teamIds: [],
  };
}

function account(
  users: readonly User[],
  {
    catchAllUserId = null,
    schedules = [],
  }: { catchAllUserId?: string | null; schedules?: readonly Schedule[] } = {},
): AccountIndex {
  return indexAccount({
    account: {
      id: 'A',
      subdomain: 'a',
      name: 'A',
      timeZone: 'Etc/UTC',
      catchAllUserId,
      ownerUserId: 'OWNER',
      requireReplyCodes: false,
    },
    users,
    teams: [],
    schedules,
    policies: [
      {
        id: 'EP',
        name: 'EP',
        description: null,
        numLoops: 0,
        teamIds: [],
        rules: [
          {
            id: 'R1',
            escalationDelayInMinutes: 5,
            targets: [...schedules.map(({ id }) => onSchedule(id)), user('ADA')],
          },
          { id: 'R2', escalationDelayInMinutes: 5, targets: [user('OWNER')] },
        ],
      },
    ],
    services: [
      {
        id: 'S',
        name: 'Shop',
        description: null,
        status: 'active',
        escalationPolicyId: 'EP',
        acknowledgementTimeoutSec: 1800,
        autoResolveTimeoutSec: null,
        urgencyRule: 'high',
        teamIds: [],
        createdAt: NOW,
      },
    ],
    integrations: [],
    apiKeys: [],
    version: 1,
  });
}

describe('targets', () => {
  it('are the people themselves and whoever is on call, each once', () => {
    const index = account([person('ADA'), person('BOB')], { schedules: [schedule('S1', ['BOB'])] });
    expect(
      resolveTargets(index, [user('ADA'), onSchedule('S1'), user('BOB')], NOW, 'high'),
    ).toEqual({ userIds: ['ADA', 'BOB'], via: 'policy', empty: [] });
  });

  it.each([
    ['nobody on the schedule', [onSchedule('EMPTY')]],
    ['an unknown schedule', [onSchedule('NONE')]],
    ['an unknown user', [user('NONE')]],
    ['a user without methods', [user('MUTE')]],
    ['no target at all', []],
  ])('that lead to nobody (%s) fall to the catch-all, then to the owner', (_, targets) => {
    const people = [person('OWNER'), person('CATCH'), person('MUTE', [])];
    const schedules = [schedule('EMPTY', [])];
    const withCatchAll = account(people, { catchAllUserId: 'CATCH', schedules });
    expect(resolveTargets(withCatchAll, targets, NOW, 'high')).toEqual({
      userIds: ['CATCH'],
      via: 'catch_all',
      empty: targets,
    });
    const mute = account(people, { catchAllUserId: 'MUTE', schedules });
    expect(resolveTargets(mute, targets, NOW, 'high')).toMatchObject({
      userIds: ['OWNER'],
      via: 'owner',
    });
  });

  it('name the empty ones even when others can be paged', () => {
    const index = account([person('ADA'), person('MUTE', [])]);
    expect(resolveTargets(index, [user('MUTE'), user('ADA')], NOW, 'low')).toEqual({
      userIds: ['ADA'],
      via: 'policy',
      empty: [user('MUTE')],
    });
  });

  it('end with nobody only when the owner cannot be paged either', () => {
    const index = account([person('OWNER', [])]);
    expect(resolveTargets(index, [user('OWNER')], NOW, 'high')).toEqual({
      userIds: [],
      via: 'nobody',
      empty: [user('OWNER')],
    });
  });
});

describe('steps', () => {
  const methods = [method('email'), method('voice'), method('sms'), method('push')];
  const channels = (item: User, urgency: 'high' | 'low') =>
    stepsFor(item, urgency).map(({ channel, delaySec }) => [channel, delaySec]);

  it('follow the rules of the urgency in order of delay', () => {
    const item = {
      ...person('U', methods),
      notificationRules: [
        rule('high', 'voice', 5),
        rule('high', 'sms', 0),
        rule('low', 'email', 0),
      ],
    };
    expect(channels(item, 'high')).toEqual([
      ['sms', 0],
      ['voice', 300],
    ]);
    expect(channels(item, 'low')).toEqual([['email', 0]]);
  });

  it('are all methods at once without rules: loud first for high urgency, e-mail first for low', () => {
    const item = person('U', methods);
    expect(channels(item, 'high').map(([channel]) => channel)).toEqual([
      'push',
      'sms',
      'voice',
      'email',
    ]);
    expect(channels(item, 'low')[0]).toEqual(['email', 0]);
  });

  it('leave out what is not verified or has opted out, and then fall back to what is left', () => {
    const item = {
      ...person('U', [
        method('sms', { optedOutAt: NOW }),
        method('voice', { verifiedAt: null }),
        method('email'),
      ]),
      notificationRules: [rule('high', 'sms', 0), rule('high', 'voice', 1)],
    };
    expect(channels(item, 'high')).toEqual([['email', 0]]);
  });
});

it('lists everybody on call with level, start and end of the duty', () => {
  const index = account([person('OWNER'), person('ADA'), person('BOB')], {
    schedules: [schedule('S1', ['BOB', 'ADA'])],
  });
  expect(onCallsOf(index, NOW)).toEqual([
    {
      userId: 'BOB',
      scheduleId: 'S1',
      policyId: 'EP',
      level: 1,
      start: '2026-06-01T09:00:00.000Z',
      end: '2026-06-08T09:00:00.000Z',
    },
    { userId: 'ADA', scheduleId: null, policyId: 'EP', level: 1, start: null, end: null },
    { userId: 'OWNER', scheduleId: null, policyId: 'EP', level: 2, start: null, end: null },
  ]);
});

it('has neither start nor end for a duty that never changes', () => {
  const index = account([person('BOB')], { schedules: [schedule('S1', ['BOB'])] });
  expect(onCallsOf(index, '2027-01-01T00:00:00Z')[0]).toMatchObject({ start: null, end: null });
});

it('gives a service’s settings with its policy, and none for an unknown service', () => {
  const index = account([]);
  expect(settingsOf(index, 'S')).toMatchObject({
    accountId: 'A',
    service: { id: 'S', name: 'Shop', acknowledgementTimeoutSec: 1800 },
    policy: { id: 'EP' },
  });
  expect(settingsOf(index, 'NONE')).toBeUndefined();
});
