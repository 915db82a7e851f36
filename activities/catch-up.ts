import { setTimeout as sleep } from 'node:timers/promises';

import type { Client } from '@temporalio/client';

/** An activity that a workflow waited for. */
export interface Told {
  readonly workflowId: string;
  readonly runId: string;
  readonly activityId: string;
}

/** As many have ended and are still to be taken in by their workflows; more would stand before what is new. */
const AT_ONCE = 3;
const LOOK_AGAIN_MS = 10;
/** Whatever has not been taken in by then does not hold up the others: a workflow may be unable to go on. */
const GIVE_UP_MS = 3000;
const DESCRIBE_MS = 1000;
/** Temporal's WorkflowExecutionStatus. */
const RUNNING = 1;

/**
 * Lets what has waited for long go back to its workflows no faster than they take it in. After an outage a thousand
 * workflows wait for a write that takes milliseconds, while each needs up to a tenth of a second to go on, since its history
 * must be read again: written as fast as they can be, they would all stand in the queue before the next page.
 */
export class CatchUp {
  readonly #isTaken: (told: Told) => Promise<boolean>;
  readonly #steady: () => number;
  readonly #onTheWay = new Map<Told, number>();
  #underWay = 0;
  #looking: Promise<void> | null = null;

  /** `isTaken` may reject: then nothing is known. `steady`: milliseconds by a clock that nobody sets. */
  constructor(isTaken: (told: Told) => Promise<boolean>, steady: () => number) {
    this.#isTaken = isTaken;
    this.#steady = steady;
  }

  /** Does what `told` is about as soon as there is room for it; rejects as `work` does. */
  async through(told: Told, work: () => Promise<void>): Promise<void> {
    while (this.#underWay + this.#onTheWay.size >= AT_ONCE) {
      this.#looking ??= this.#lookAtAll().finally(() => (this.#looking = null));
      await this.#looking;
    }
    this.#underWay += 1;
    try {
      await work();
      this.#onTheWay.set(told, this.#steady());
    } finally {
      this.#underWay -= 1;
    }
  }

  async #lookAtAll(): Promise<void> {
    const before = this.#onTheWay.size;
    await Promise.all([...this.#onTheWay.keys()].map((told) => this.#look(told)));
    if (this.#onTheWay.size === before) await sleep(LOOK_AGAIN_MS);
  }

  async #look(told: Told): Promise<void> {
    const endedAt = this.#onTheWay.get(told) ?? -Infinity;
    const isTaken = await this.#isTaken(told).catch(() => false);
    if (isTaken || this.#steady() - endedAt > GIVE_UP_MS) this.#onTheWay.delete(told);
  }
}

/** Whether a workflow has taken in what an activity of it came to: nothing of it is pending any more. */
export async function isTakenIn(client: Client, told: Told): Promise<boolean> {
  const { activityId, ...execution } = told;
  const { namespace } = client.options;
  const found = await client.withDeadline(Date.now() + DESCRIBE_MS, () =>
    client.workflowService.describeWorkflowExecution({ namespace, execution }),
  );
  if (Number(found.workflowExecutionInfo?.status) !== RUNNING) return true;
  const isPending = found.pendingActivities.some((one) => one.activityId === activityId);
  return !isPending && !found.pendingWorkflowTask;
}
