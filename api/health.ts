import { Router } from 'express';

import { ageOrNull } from '../platform/store-metrics.ts';
import type { ApiDeps } from './deps.ts';
import type { IntakeSink, IntakeStatus } from './intake/sink.ts';
import { contextOf } from './request-context.ts';

const TEMPORAL_CHECK_MS = 1000;
/** Events that wait longer say that the spill is not drained as it should be. */
const OLD_SEC = 60;

/**
 * `/health/live`: the process answers. `/health/ready`: it can route events, because the directory is loaded;
 * without Temporal or PostgreSQL it is `degraded` but stays ready, so that callers get what still works, and a
 * clear 503 for the rest, and not a dead address. Ages are in milliseconds since the last proof; null: none yet.
 */
export function createHealthRouter(deps: ApiDeps, sink: Pick<IntakeSink, 'status'>): Router {
  const router = Router();
  router.get('/health/live', (_request, response) => {
    contextOf(response).route = '/health/live';
    response.json({ status: 'ok' });
  });
  router.get('/health/ready', async (_request, response) => {
    contextOf(response).route = '/health/ready';
    const loaded = deps.directory.ready !== false;
    const temporal = await reachable(deps);
    const mode = deps.database.mode();
    const intake = sink.status?.() ?? null;
    const connected = temporal && (mode === 'writable' || mode === 'unknown');
    const whole = connected && (intake === null || isWhole(intake));
    response.status(loaded ? 200 : 503).json({
      status: !loaded ? 'not_ready' : whole ? 'ok' : 'degraded',
      directory: {
        loaded,
        source: deps.directory.source,
        age_ms: ageOrNull(deps.directory.ageMs()),
      },
      directory_copy: { age_ms: ageOrNull(deps.directory.copyAgeMs?.()) },
      database: { mode },
      temporal: { reachable: temporal },
      intake: intake && describeIntake(intake),
    });
  });
  return router;
}

function isWhole({ engine, spill }: IntakeStatus): boolean {
  return engine === 'closed' && (spill === null || (spill.usable && spill.oldestSec < OLD_SEC));
}

function describeIntake({ engine, spill }: IntakeStatus) {
  if (!spill) return { breaker: engine };
  const { usable, waiting, oldestSec, parked } = spill;
  return { breaker: engine, spill: { usable, waiting, oldest_s: oldestSec, parked } };
}

/** Whether the engine answers within a second; never throws. */
async function reachable({ temporal }: ApiDeps): Promise<boolean> {
  try {
    await temporal.withDeadline(Date.now() + TEMPORAL_CHECK_MS, () =>
      temporal.connection.workflowService.getSystemInfo({}),
    );
    return true;
  } catch {
    return false;
  }
}
