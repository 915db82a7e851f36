import type { RequestHandler } from 'express';

import { isSignedByTwilio } from '../../providers/twilio/inbound.ts';
import type { Form } from '../../providers/twilio/inbound.ts';
import type { ApiDeps } from '../deps.ts';
import { sourceClass } from '../origin.ts';
import { forgedCallbacks } from './metrics.ts';

/**
 * Lets a callback through only when Twilio signed it for the configured public URL. What the request
 * says about its own host, port or scheme is not looked at. Everything else is a 403.
 */
export function twilioGuard(deps: Pick<ApiDeps, 'config' | 'logger' | 'refusals'>): RequestHandler {
  const base = deps.config.PUBLIC_URL.replace(/\/+$/, '');
  return (request, response, next) => {
    const signature = request.get('X-Twilio-Signature') ?? '';
    const url = base + request.originalUrl;
    if (isSignedByTwilio(deps.config, { signature, url, form: formOf(request.body) })) {
      next();
      return;
    }
    forgedCallbacks.inc();
    deps.refusals?.addUnknown('forged callback', sourceClass(request.ip));
    deps.logger.warn({ route: request.path.slice(0, 20) }, 'callback refused: wrong signature');
    response.status(403).type('text').send('The signature is not valid.');
  };
}

/** The form's fields as they came. */
export function formOf(body: unknown): Form {
  return typeof body === 'object' && body !== null ? { ...(body as Form) } : {};
}

/** One field; empty when it is absent or repeated. */
export function field(form: Form, name: string): string {
  const value = form[name];
  return typeof value === 'string' ? value : '';
}
