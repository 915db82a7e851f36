import express, { type Express } from 'express';
import helmet from 'helmet';

import type { ApiDeps } from './deps.ts';
import { errorHandler, restErrorAnswer, sendAnswer } from './errors.ts';
import { createHealthRouter } from './health.ts';
import { mountRoutes } from './mount.ts';
import { requestContext } from './request-context.ts';
import { createRestRoutes } from './rest/index.ts';

/** The whole api as one express application; it listens to nothing yet. */
export function createApp(deps: ApiDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('trust proxy', [...deps.config.TRUST_PROXY]);
  app.use(requestContext(deps));
  app.use(helmet());
  app.use(createHealthRouter(deps));
  app.use(mountRoutes(createRestRoutes(deps), deps));
  app.use((_request, response) => sendAnswer(response, restErrorAnswer('notFound')));
  app.use(errorHandler(deps.logger));
  return app;
}
