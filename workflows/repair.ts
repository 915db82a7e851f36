import { proxyActivities } from '@temporalio/workflow';
import type { BrokenRun, RepairActivities } from '../activities/contract.ts';

const { resetWorkflow } = proxyActivities<RepairActivities>({
  startToCloseTimeout: '15 seconds',
  scheduleToCloseTimeout: '5 minutes',
  retry: { initialInterval: '1 second', maximumInterval: '30 seconds' },
});

/** Resets one run that no worker can go on with. Its id is the run's, so that many workers that find it do so once. */
export async function repair(run: BrokenRun): Promise<void> {
  await resetWorkflow(run);
}
