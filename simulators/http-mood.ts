import type { Request, Response } from 'express';

import type { Mood } from './moods.ts';

/** Makes a vendor's error body out of a mood. */
type ErrorBody = (mood: Mood) => unknown;

/**
 * Answers as the mood demands, when it is one that spoils the answer.
 * @returns whether the request is dealt with.
 */
export function spoil(request: Request, response: Response, mood: Mood, body: ErrorBody): boolean {
  switch (mood.kind) {
    case 'refuse':
      request.socket.resetAndDestroy();
      return true;
    case 'hang':
      return true;
    case 'garbage':
      response.status(200).type('html').send('<html>It works!');
      return true;
    case 'status':
      if (mood.retryAfterSec !== undefined) response.set('Retry-After', `${mood.retryAfterSec}`);
      response.status(mood.status).json(body(mood));
      return true;
    default:
      return false;
  }
}
