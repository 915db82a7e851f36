import { createHash } from 'node:crypto';

import type { World } from '../ledgers/records.ts';
import type { Random } from '../random.ts';

export interface PlannedPerson {
  readonly name: string;
  readonly account: number;
  /** All verified, all used at once for high urgency. */
  readonly addresses: Readonly<Partial<Record<Channel, string>>>;
}

export type Channel = 'push' | 'sms' | 'voice' | 'email';

export interface PlannedService {
  readonly name: string;
  readonly account: number;
  /** Of the Events API v2; 32 hex digits. */
  readonly routingKey: string;
  /** One person a step. */
  readonly steps: readonly string[];
}

export interface PlannedAccount {
  readonly subdomain: string;
  readonly owner: string;
  /** REST key of an admin. */
  readonly apiKey: string;
}

/** Whom there is to page, for whom nothing is asked of the product. */
export interface Population {
  readonly accounts: readonly PlannedAccount[];
  readonly people: readonly PlannedPerson[];
  readonly services: readonly PlannedService[];
  /** From each step to the next. */
  readonly stepMs: number;
}

const ACCOUNTS = 2;
/** The shortest time to the next step that a policy takes. */
const STEP_MS = 60_000;

/** Two ways or three to each person, never all by one kind of vendor. */
const MIXES: readonly (readonly Channel[])[] = [
  ['push', 'sms'],
  ['email', 'push'],
  ['sms', 'email'],
  ['voice', 'push'],
  ['push', 'sms', 'email'],
  ['email', 'voice'],
];

/**
 * As many services as people; the steps of service `n` lead to person `n` and to one far from it, whole minutes
 * apart. The keys follow from the seed.
 */
export function planPopulation(count: number, random: Random, stepMs = STEP_MS): Population {
  const digits = (name: string): string =>
    createHash('md5')
      .update(`${random.fork(name).next()}/${name}`)
      .digest('hex');
  const accounts = Array.from({ length: ACCOUNTS }, (_, n) => {
    return { subdomain: `chaos${n}`, owner: `owner${n}`, apiKey: `pdl_${digits(`api key ${n}`)}` };
  });
  const members = Array.from({ length: count }, (_, n) => planPerson(n));
  const owners = accounts.map(({ owner }, account) => {
    return { name: owner, account, addresses: { push: `chaos-${owner}` } };
  });
  const services = members.map(({ account }, n) => {
    const peers = members.filter((one) => one.account === account).map(({ name }) => name);
    const own = peers.indexOf(nameOf(n));
    const next = peers[(own + Math.ceil(peers.length / 2)) % peers.length] ?? nameOf(n);
    const name = `service-${n}`;
    return { name, account, routingKey: digits(name), steps: [nameOf(n), next] };
  });
  return { accounts, people: [...members, ...owners], services, stepMs };
}

function planPerson(n: number): PlannedPerson {
  const number = String(n).padStart(4, '0');
  const all: Record<Channel, string> = {
    push: `chaos-${number}`,
    sms: `+1500556${number}`,
    voice: `+1500556${number}`,
    email: `p${number}@people.test`,
  };
  const mix = MIXES[Math.floor(n / ACCOUNTS) % MIXES.length] ?? [];
  const addresses = Object.fromEntries(mix.map((channel) => [channel, all[channel]]));
  return { name: nameOf(n), account: n % ACCOUNTS, addresses };
}

function nameOf(n: number): string {
  return `person-${n}`;
}

/** What the checker is to expect of this population. */
export function worldOf({ accounts, people, services, stepMs }: Population): World {
  return {
    people: Object.fromEntries(people.map(({ name, addresses }) => [name, { addresses }])),
    services: Object.fromEntries(
      services.map(({ name, steps, account }) => [
        name,
        {
          steps: steps.map((person, n) => ({ afterMs: n * stepMs, people: [person] })),
          lastResort: [accounts[account]?.owner ?? ''],
        },
      ]),
    ),
  };
}
