import { USUAL, USUAL_LOAD, type Scenario } from './scenario.ts';

/** Nothing on the way of a page waits for PostgreSQL, so nothing excuses a late one. */
const postgres = { ...USUAL, limits: { pageInFaultMs: 10_000 } } as const;
/** For ten minutes, about 20 events a second. */
const readOnly = { ...postgres, minutes: 12, load: { ...USUAL_LOAD, repeats: 8 } } as const;

/** Longest time from the death of the primary to the decision to promote a standby. */
const PROMOTION_MS = [2000, 5000] as const;

/** What can happen to PostgreSQL. */
export const POSTGRES_SCENARIOS: readonly Scenario[] = [
  {
    ...postgres,
    name: 'postgres-stopped',
    title: 'PostgreSQL is killed and stays away',
    figures: ['F2', 'F7'],
    plan: (_random, durationMs) => [
      { kind: 'down', process: 'postgres', atMs: durationMs * 0.2, forMs: durationMs * 0.5 },
    ],
  },
  {
    ...readOnly,
    name: 'postgres-read-only',
    title: 'PostgreSQL takes no writes, as an operator would set it',
    figures: ['F2', 'F7'],
    plan: (_random, durationMs) => [
      {
        ...{ kind: 'lease', atMs: durationMs * 0.1, forMs: durationMs * 0.8 },
        fault: { kind: 'read_only', postgres: 'app' },
      },
    ],
  },
  {
    ...readOnly,
    name: 'postgres-standby',
    title: 'the address of PostgreSQL leads to a standby; on one of the two ways nothing is cut',
    figures: ['F2', 'F7'],
    standbys: 1,
    plan: (random, durationMs) => {
      const cut = random.pick(['begin', 'end'] as const);
      return [
        {
          ...{ kind: 'lease', atMs: durationMs * 0.1, forMs: durationMs * 0.8 },
          fault: { kind: 'repoint', link: 'postgres', target: 'standby-1', cut },
        },
      ];
    },
  },
  {
    ...postgres,
    name: 'postgres-failover',
    title: 'the primary is killed and a standby takes over, twice',
    figures: ['F2', 'F8'],
    minutes: 6,
    // As operators are told to replicate: one of two must answer, so that the loss of one stops nothing.
    standbys: 2,
    plan: (random, durationMs) =>
      [0.2, 0.6].map((share) => {
        const forMs = random.int(...PROMOTION_MS);
        return { kind: 'failover', process: 'postgres', atMs: durationMs * share, forMs };
      }),
  },
];
