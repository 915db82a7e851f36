import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/contract.ts';
import { ACTION_REFUSED } from '../domain/messages.ts';

/**
 * The way to the first page: a local activity, tried once, since the workflow sees no message while one
 * runs. What it could not do is `insisting`'s.
 */
export const paging = proxyLocalActivities<Activities>({
  startToCloseTimeout: '3 seconds',
  retry: { maximumAttempts: 1 },
});

/** Beside the workflow's other doings, until it succeeds, is cancelled, or an hour has passed. */
export const insisting = proxyActivities<Activities>({
  startToCloseTimeout: '3 seconds',
  scheduleToCloseTimeout: '1 hour',
  retry: {
    initialInterval: '200 milliseconds',
    backoffCoefficient: 2,
    maximumInterval: '10 seconds',
  },
});

/** What the workflow waits for, and can do without. */
export const lookingUp = proxyLocalActivities<Activities>({
  startToCloseTimeout: '3 seconds',
  retry: { initialInterval: '200 milliseconds', backoffCoefficient: 2, maximumAttempts: 6 },
});

/** Messages to other incidents, tried until they arrive or are known to be over. */
export const messaging = proxyLocalActivities<Activities>({
  startToCloseTimeout: '3 seconds',
  localRetryThreshold: '10 seconds',
  retry: { initialInterval: '200 milliseconds', maximumInterval: '30 seconds' },
});

/** A source that refuses (already resolved) is not asked again; one that is slow is asked until it answers. */
export const merging = proxyActivities<Activities>({
  startToCloseTimeout: '10 seconds',
  retry: {
    initialInterval: '500 milliseconds',
    maximumInterval: '30 seconds',
    nonRetryableErrorTypes: [...Object.values(ACTION_REFUSED), 'NotFound'],
  },
});
