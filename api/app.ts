import express, { type Express } from 'express';
import helmet from 'helmet';

import type { ApiDeps } from './deps.ts';
import { createDocsRouter, SELF_OPERATIONS } from './docs-page.ts';
import { errorHandler, restErrorAnswer, sendAnswer } from './errors.ts';
import { createHealthRouter } from './health.ts';
import { INBOUND_OPERATIONS } from './inbound-operations.ts';
import { createInboundRouter } from './inbound/router.ts';
import { openIntake } from './intake/open-intake.ts';
import { INTAKE_OPERATIONS } from './intake/operations.ts';
import { createIntakeRouter } from './intake/router.ts';
import type { IntakeSink } from './intake/sink.ts';
import { mountRoutes } from './mount.ts';
import { describeApi } from './openapi.ts';
import { createRefusalLog } from './refusals.ts';
import { requestContext } from './request-context.ts';
import { createRestRoutes } from './rest/index.ts';

/**
 * The whole api as one express application; it listens to nothing yet. Events go into `sink`, by default straight
 * to Temporal.
 */
export function createApp(
  given: ApiDeps,
  sink: IntakeSink = openIntake(given, null).sink,
): Express {
  const deps = { ...given, refusals: given.refusals ?? createRefusalLog(given) };
  const app = express();
  const routes = createRestRoutes(deps);
  const operations = [...INTAKE_OPERATIONS, ...routes, ...INBOUND_OPERATIONS, ...SELF_OPERATIONS];
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('trust proxy', [...deps.config.TRUST_PROXY]);
  app.use(requestContext(deps));
  app.use(helmet());
  app.use(createHealthRouter(deps, sink));
  app.use(createIntakeRouter(deps, sink));
  app.use(createInboundRouter(deps));
  app.use(createDocsRouter(() => describeApi(operations, deps.config.PUBLIC_URL)));
  app.use(mountRoutes(routes, deps));
  app.use((_request, response) => sendAnswer(response, restErrorAnswer('notFound')));
  app.use(errorHandler(deps.logger));
  return app;
}
