import { Router } from 'express';

import type { ApiDeps } from './deps.ts';
import { contextOf } from './request-context.ts';

const TEMPORAL_CHECK_MS = 1000;

/**
 * `/health/live`: the process answers. `/health/ready`: it can route events, because the directory is loaded;
 * without Temporal it is `degraded` but stays ready, so that callers get a clear 503 and not a dead address.
 */
export function createHealthRouter(deps: ApiDeps): Router {
  const router = Router();
  router.get('/health/live', (_request, response) => {
    contextOf(response).route = '/health/live';
    response.json({ status: 'ok' });
  });
  router.get('/health/ready', async (_request, response) => {
    contextOf(response).route = '/health/ready';
    const ageMs = deps.directory.ageMs();
    const loaded = deps.directory.ready !== false;
    const temporal = await reachable(deps);
    response.status(loaded ? 200 : 503).json({
      status: !loaded ? 'not_ready' : temporal ? 'ok' : 'degraded',
      directory: { loaded, age_ms: loaded ? Math.round(ageMs) : null },
      temporal: { reachable: temporal },
    });
  });
  return router;
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
