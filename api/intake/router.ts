import express, { Router, type ErrorRequestHandler, type Request, type Response } from 'express';

import type { ApiDeps } from '../deps.ts';
import { MAX_BODY_BYTES } from '../read-json.ts';
import { contextOf } from '../request-context.ts';
import { CHANGE_DOOR, receiveChange } from './change-events.ts';
import { DOORS, keyInHeader, keyInPath, type Door } from './doors.ts';
import { HEARTBEAT_DOOR, receiveBeat } from './heartbeat.ts';
import { IntegrationLimit } from './integration-limit.ts';
import { receive, refuse, reply, type Intake } from './receive.ts';
import type { IntakeSink } from './sink.ts';

type AnyDoor = Pick<Door, 'name' | 'path' | 'replies'>;

/** All ways in for events. Every answer is in its door's own form, and none is a redirect. */
export function createIntakeRouter(deps: ApiDeps, sink: IntakeSink): Router {
  const router = Router();
  const limit = new IntegrationLimit();
  const intake: Intake = { deps, sink, limit };
  const readRaw = express.raw({ type: () => true, limit: MAX_BODY_BYTES });
  for (const door of DOORS) {
    router.post(
      door.path,
      nameRoute(door),
      readRaw,
      (request: Request, response: Response) => receive(intake, door, request, response),
      bodyErrors(intake, door),
    );
    router.all(door.path, nameRoute(door), methodNotAllowed(door));
  }
  router.post(
    CHANGE_DOOR.path,
    nameRoute(CHANGE_DOOR),
    readRaw,
    (request: Request, response: Response) => receiveChange({ deps, limit }, request, response),
    bodyErrors(intake, CHANGE_DOOR),
  );
  router.all(CHANGE_DOOR.path, nameRoute(CHANGE_DOOR), methodNotAllowed(CHANGE_DOOR));
  for (const [path, key] of [
    ['/integration/:key/heartbeat', keyInPath],
    ['/integration/heartbeat', keyInHeader],
  ] as const) {
    const door = { ...HEARTBEAT_DOOR, path };
    const beat: express.RequestHandler = (request, response) =>
      receiveBeat({ deps, limit }, key(request), response);
    router.route(path).get(nameRoute(door), beat).post(nameRoute(door), beat);
    router.all(path, nameRoute(door), methodNotAllowed(door));
  }
  return router;
}

function nameRoute({ path }: AnyDoor): express.RequestHandler {
  return (_request, response, next) => {
    contextOf(response).route = path.replace(':key', '{key}');
    next();
  };
}

function methodNotAllowed(door: AnyDoor): express.RequestHandler {
  return (_request, response) => {
    const answer = door.replies.invalid(['Method not allowed; use POST']);
    reply(response, door, 'invalid', { ...answer, status: 405, headers: { allow: 'POST' } });
  };
}

/** What the body parser refuses: too large, an unknown encoding, cut short. */
function bodyErrors(intake: Intake, door: AnyDoor): ErrorRequestHandler {
  return (error: unknown, _request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const status: unknown = error instanceof Error ? Reflect.get(error, 'status') : undefined;
    if (status === 413) reply(response, door, 'invalid', door.replies.tooLarge());
    else if (typeof status === 'number' && status < 500) {
      reply(response, door, 'invalid', door.replies.unrecognised('The body cannot be read'));
    } else refuse(intake, door, response, error);
  };
}
