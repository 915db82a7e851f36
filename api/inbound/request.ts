import type { RequestHandler, Response } from 'express';

/** The trace context of the request, where the api has set one. */
export function traceparentOf(response: Response): string | null {
  const context = response.locals['context'] as { traceparent?: string | null } | undefined;
  return context?.traceparent ?? null;
}

/** Names the route for logs and metrics: paths here hold tokens. */
export function nameRoute(template: string): RequestHandler {
  return (_request, response, next) => {
    const context = response.locals['context'] as { route?: string } | undefined;
    if (context) context.route = template;
    next();
  };
}
