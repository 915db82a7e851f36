import type { PlannedFault } from './planned-fault.ts';
import { needsEngine, USUAL, type Scenario } from './scenario.ts';

/** After its death the engine serves in the other region, from the data that its operator keeps there. */
const ENGINE_AWAY_MS = 10_000;
const PROMOTION_MS = 5000;

/**
 * Everything of one region dies at once: an api, a worker, the engine and the primary of PostgreSQL. The other one
 * has an api, a worker and standbys. At last the first region returns, as one more to share the work.
 */
export const REGION_LOST: Scenario = {
  ...USUAL,
  name: 'region-lost',
  title: 'everything of one region dies at once; the other one goes on',
  figures: ['F9'],
  minutes: 8,
  apis: 2,
  workers: 2,
  standbys: 2,
  stopsPaging: needsEngine,
  plan: (_random, durationMs) => {
    const atMs = durationMs * 0.3;
    const goneMs = durationMs * 0.4;
    const down = (process: string, forMs: number): PlannedFault => {
      return { kind: 'down', process, atMs, forMs };
    };
    return [
      down('api-1', goneMs),
      down('worker-1', goneMs),
      down('temporal', Math.min(ENGINE_AWAY_MS, goneMs)),
      { kind: 'failover', process: 'postgres', atMs, forMs: Math.min(PROMOTION_MS, goneMs) },
    ];
  },
};
