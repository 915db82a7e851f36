import type { ActivityInterceptorsFactory } from '@temporalio/worker';

import { withSpan } from '../platform/tracing.ts';

/** A span for each activity with an argument that carries a trace context; spans are never made in workflows. */
export const activitySpans: ActivityInterceptorsFactory = (context) => ({
  inbound: {
    execute(input, next) {
      const traceparent = input.args.map(traceparentOf).find((found) => found !== null);
      if (traceparent === undefined) return next(input);
      const { activityType, workflowExecution, attempt } = context.info;
      const attributes = { workflowId: workflowExecution?.workflowId ?? '', attempt };
      return withSpan(activityType, { traceparent, attributes, kind: 'consumer' }, () =>
        next(input),
      );
    },
  },
});

function traceparentOf(argument: unknown): string | null {
  if (typeof argument !== 'object' || argument === null) return null;
  if (!('traceparent' in argument) || typeof argument.traceparent !== 'string') return null;
  return argument.traceparent;
}
