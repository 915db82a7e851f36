import { Router, urlencoded } from 'express';

import { TWILIO_PATH } from '../../providers/twilio/inbound.ts';
import type { ApiDeps } from '../deps.ts';
import { answerHandler, questionHandler } from './answer.ts';
import { createResponders } from './responders.ts';
import type { Responders } from './responders.ts';
import { createReceipts } from './receipts.ts';
import { smsHandler } from './sms.ts';
import { statusHandler } from './status.ts';
import { nameRoute, twilioGuard } from './twilio-guard.ts';
import { digitsHandler, voiceHandler } from './voice.ts';

/** Where answers come back: Twilio's callbacks, each with its signature checked, and the links. */
export function createInboundRouter(
  deps: ApiDeps,
  responders: Responders = createResponders(deps.temporal),
): Router {
  const router = Router();
  const form = urlencoded({ extended: false, limit: '64kb', parameterLimit: 200 });
  const guard = twilioGuard(deps);
  const base = TWILIO_PATH;
  router.post(`${base}/sms`, nameRoute(`${base}/sms`), form, guard, smsHandler(deps, responders));
  router.post(
    `${base}/voice/:token`,
    nameRoute(`${base}/voice/{token}`),
    form,
    guard,
    voiceHandler(deps),
  );
  router.post(
    `${base}/voice/:token/digits`,
    nameRoute(`${base}/voice/{token}/digits`),
    form,
    guard,
    digitsHandler(deps, responders),
  );
  router.post(
    `${base}/status/:channel`,
    nameRoute(`${base}/status/{channel}`),
    form,
    guard,
    statusHandler(createReceipts(deps, responders)),
  );
  router.get('/answer/:token', nameRoute('/answer/{token}'), questionHandler(deps, responders));
  router.post('/answer/:token', nameRoute('/answer/{token}'), answerHandler(deps, responders));
  return router;
}
