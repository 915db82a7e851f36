import { activityInfo, type Info } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';

import { GRPC, hasGrpcCode } from '../temporal-config/grpc.ts';

/** What begins this long after it was handed out, or seems to, asks first whether it is still wanted; milliseconds. */
export const LATE_MS = 1000;
/** How long the engine may take to say whether it still waits for a try, milliseconds. */
const ASK_MS = 500;

/**
 * When the engine handed this try out, by its clock: that of this machine may be wrong. Null in a local activity,
 * which never was in its hands, and outside of one, as in tests.
 */
export function timeOfTry(): string | null {
  const info = infoOfTry();
  if (!info || info.isLocal) return null;
  return new Date(info.currentAttemptScheduledTimestampMs).toISOString();
}

/**
 * Ends a try that nobody waits for any more: the process stood still meanwhile, and another try has been made since.
 * An engine that does not answer counts as waiting.
 *
 * @throws {ApplicationFailure} `TryOver`; nobody hears it, unless this machine's clock has just jumped: then the next
 * try does what this one left.
 */
export async function refuseIfOver(client: Client, nowMs: number): Promise<void> {
  const info = infoOfTry();
  if (info && (await isOver(client, info, nowMs))) {
    throw ApplicationFailure.retryable('the time of this try is over', 'TryOver');
  }
}

async function isOver(client: Client, info: Info, nowMs: number): Promise<boolean> {
  const waitedMs = nowMs - info.currentAttemptScheduledTimestampMs;
  // A local activity is scheduled by the clock of this machine, and the engine knows nothing of it.
  if (info.isLocal) return waitedMs >= info.startToCloseTimeoutMs;
  // Late, or the clock is wrong: the engine knows which.
  return Math.abs(waitedMs) > LATE_MS && !(await isAwaited(client, info));
}

/** Asked by a heartbeat, which the engine takes only from the try that it waits for; it writes no history. */
async function isAwaited(client: Client, { taskToken, namespace }: Info): Promise<boolean> {
  try {
    await client.withDeadline(Date.now() + ASK_MS, () =>
      client.workflowService.recordActivityTaskHeartbeat({ taskToken, namespace }),
    );
    return true;
  } catch (error) {
    return !hasGrpcCode(error, GRPC.notFound);
  }
}

/** Outside of an activity, as in tests, there is none. */
export function infoOfTry(): Info | null {
  try {
    return activityInfo();
  } catch {
    return null;
  }
}
