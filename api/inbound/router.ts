import { Router } from 'express';

import type { ApiDeps } from '../deps.ts';
import { answerHandler, questionHandler } from './answer.ts';
import { createCalls } from './calls.ts';
import { createReceipts } from './receipts.ts';
import { nameRoute } from './request.ts';
import { tellingRefusals } from './refused-replies.ts';
import { createResponders } from './responders.ts';
import type { Responders } from './responders.ts';
import { createTexts } from './texts.ts';
import { addTwilioRoutes } from './twilio.ts';
import { addVonageRoutes } from './vonage.ts';

/** Where answers come back: the telephony vendors' callbacks, each with its signature checked, and the links. */
export function createInboundRouter(
  deps: ApiDeps,
  given: Responders = createResponders(deps.temporal),
): Router {
  const responders = tellingRefusals(given, deps.refusals);
  const router = Router();
  const inbound = {
    deps,
    texts: createTexts(deps, responders),
    calls: createCalls(deps, responders),
    reports: createReceipts(deps, responders),
  };
  addTwilioRoutes(router, inbound);
  addVonageRoutes(router, inbound);
  router.get('/answer/:token', nameRoute('/answer/{token}'), questionHandler(deps, responders));
  router.post('/answer/:token', nameRoute('/answer/{token}'), answerHandler(deps, responders));
  return router;
}
