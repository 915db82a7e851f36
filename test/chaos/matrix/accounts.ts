import { stepsFor } from '../../../domain/on-call.ts';
import type { IncidentSettings } from '../../../domain/incident/types.ts';
import type { AccountConfig, EscalationPolicy, User } from '../../../domain/model.ts';
import { rule, settings, T0 } from '../../support/incident-samples.ts';

/** Users of an account: the first two are paged by rule 1, the third by rule 2. */
export const userOf = (account: string, number: 1 | 2 | 3): string => `${account}-U${number}`;
export const methodOf = (userId: string): string => `${userId}-SMS`;

/** A number at which the vendor refuses every message for good. */
export const BAD_NUMBER = '+15005550000';

/** `unreachable`: whoever is paged first has a bad number. */
export interface Cast {
  readonly account: string;
  readonly unreachable: boolean;
  /** Seconds after which an acknowledgement is over; null: never. */
  readonly acknowledgementTimeoutSec: number | null;
}

function person(cast: Cast, number: 1 | 2 | 3): User {
  const id = userOf(cast.account, number);
  const address = cast.unreachable && number < 3 ? BAD_NUMBER : `+1500555000${number}`;
  return {
    ...{ id, name: id, email: `${id.toLowerCase()}@example.com`, timeZone: 'Etc/UTC' },
    ...{ role: 'user', jobTitle: null, description: null, teamIds: [] },
    contactMethods: [
      {
        ...{ id: methodOf(id), userId: id, channel: 'sms', label: 'Mobile', address },
        ...{ verifiedAt: T0, optedOutAt: null, secret: null },
      },
    ],
    notificationRules: [
      {
        ...{ id: `${id}-R`, userId: id, urgency: 'high', contactMethodId: methodOf(id) },
        startDelayInMinutes: 0,
      },
    ],
  };
}

function policyOf({ account }: Cast): EscalationPolicy {
  const user = (number: 1 | 2 | 3) => ({ type: 'user', id: userOf(account, number) }) as const;
  const rules = [rule('1', 5, [user(1), user(2)]), rule('2', 5, [user(3)])];
  return { ...settings().policy, rules };
}

/** What an incident of the account is started with. */
export function settingsOf(cast: Cast): IncidentSettings {
  const { account, acknowledgementTimeoutSec } = cast;
  const usual = settings({ service: { acknowledgementTimeoutSec } });
  return { ...usual, accountId: account, policy: policyOf(cast) };
}

/** The account as the directory has it. */
export function accountOf(cast: Cast): AccountConfig {
  const users = ([1, 2, 3] as const).map((number) => person(cast, number));
  for (const user of users) {
    if (stepsFor(user, 'high').length !== 1) throw new Error(`${user.id} cannot be paged`);
  }
  return {
    account: {
      ...{ id: cast.account, subdomain: cast.account.toLowerCase(), name: cast.account },
      ...{ timeZone: 'Etc/UTC', catchAllUserId: null, requireReplyCodes: false },
      ownerUserId: userOf(cast.account, 3),
    },
    users,
    ...{ teams: [], schedules: [], integrations: [], apiKeys: [], version: 1 },
    policies: [policyOf(cast)],
    services: [
      {
        ...settingsOf(cast).service,
        ...{ description: null, status: 'active', escalationPolicyId: policyOf(cast).id },
        ...{ teamIds: [], createdAt: T0 },
      },
    ],
  };
}
