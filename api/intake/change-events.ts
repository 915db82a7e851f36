import type { Request, Response } from 'express';

import { classifyDatabaseError } from '../../db/errors.ts';
import { insertChangeEvent } from '../../db/change-events.ts';
import { normaliseChange, routingKeyError } from '../../domain/intake/events-v2.ts';
import { isObject } from '../../domain/intake/fields.ts';
import type { NormalisedChange } from '../../domain/intake/types.ts';
import { newId } from '../../platform/ids.ts';
import type { ApiDeps } from '../deps.ts';
import type { IntegrationLimit } from './integration-limit.ts';
import { findIntegration, readBody, refuse, reply, type Found } from './receive.ts';
import { CHANGE_V2_REPLIES } from './replies.ts';
import { IntakeRefusal } from './sink.ts';

/** The door of change events: they page nobody and go to PostgreSQL. */
export const CHANGE_DOOR = {
  name: 'change_v2',
  path: '/v2/change/enqueue',
  replies: CHANGE_V2_REPLIES,
  keyError: routingKeyError,
  recognises: isObject,
};

export interface ChangeIntake {
  readonly deps: ApiDeps;
  readonly limit: IntegrationLimit;
}

/** One change event: read, find the integration, check its limit, store, answer. */
export async function receiveChange(
  intake: ChangeIntake,
  request: Request,
  response: Response,
): Promise<void> {
  try {
    const body = readBody(request, CHANGE_DOOR);
    if ('answer' in body) reply(response, CHANGE_DOOR, 'invalid', body.answer);
    else await receiveBody(intake, response, isObject(body.value) ? body.value : {});
  } catch (error) {
    refuse(intake, CHANGE_DOOR, response, error);
  }
}

async function receiveBody(
  { deps, limit }: ChangeIntake,
  response: Response,
  body: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { replies } = CHANGE_DOOR;
  const key = body['routing_key'];
  const found = findIntegration({ deps }, CHANGE_DOOR, key);
  const normalised = normaliseChange(body, found?.integration.lenient ?? false);
  const keyError = routingKeyError(key);
  const errors = [
    ...(keyError === null ? [] : [keyError]),
    ...(normalised.ok ? [] : normalised.errors),
  ];
  const waitSec = found ? await limit.exceededFor(found.integration, 1) : null;
  if (waitSec !== null) reply(response, CHANGE_DOOR, 'rate_limited', replies.rateLimited(waitSec));
  else if (errors.length > 0) reply(response, CHANGE_DOOR, 'invalid', replies.invalid(errors));
  else if (!found) reply(response, CHANGE_DOOR, 'unknown_key', replies.unknownKey());
  else if (normalised.ok) {
    await store(deps, found, normalised.change);
    const { warnings } = normalised;
    reply(response, CHANGE_DOOR, 'stored', replies.taken({ dedupKeys: [], warnings }));
  }
}

/** @throws IntakeRefusal when the database cannot take it now. */
async function store(deps: ApiDeps, found: Found, change: NormalisedChange): Promise<void> {
  try {
    await insertChangeEvent(deps.database, {
      id: newId('C'),
      accountId: found.index.account.id,
      serviceId: found.service.id,
      integrationId: found.integration.id,
      at: change.timestamp ?? deps.now().toISOString(),
      change,
    });
  } catch (error) {
    const kind = classifyDatabaseError(error);
    if (kind === 'read_only' || kind === 'unavailable' || kind === 'retry') {
      throw new IntakeRefusal('unavailable', 10, error);
    }
    throw error;
  }
}
