import * as workflow from '@temporalio/workflow';
import type {
  DeliveryActivities,
  MessagingActivities,
  ReceiptQuery,
} from '../activities/contract.ts';
import { TASK_QUEUES } from '../domain/messages.ts';
import type { ReceiptState } from '../domain/receipt.ts';
import type { Delivery, DeliveryOutcome, ResponderCommand } from '../domain/responder/types.ts';
import { nowMs } from './clock.ts';

const deliveryOptions = {
  taskQueue: TASK_QUEUES.delivery,
  startToCloseTimeout: '10 s',
  // Nobody knows whether a try that timed out went out: once more, since two pages beat none.
  retry: { maximumAttempts: 2, initialInterval: '500 ms', backoffCoefficient: 1 },
} as const;
const { deliver } = workflow.proxyActivities<DeliveryActivities>(deliveryOptions);

// Signals to an incident. Temporal itself must be up for any of this to run, so a day is plenty.
const messagingOptions = {
  startToCloseTimeout: '5 s',
  scheduleToCloseTimeout: '1 day',
  retry: { initialInterval: '200 ms', maximumInterval: '10 s' },
} as const;
const messaging = workflow.proxyActivities<MessagingActivities>(messagingOptions);
// Of histories of before the patch. A query that comes while a local activity runs beside a timer leaves a history
// that no worker can replay: docs/adr/0007-no-local-activity-beside-a-timer.md.
const localMessaging = workflow.proxyLocalActivities<MessagingActivities>(messagingOptions);

/** Sends one message; whatever goes wrong on the way is an outcome too. */
export async function send(delivery: Delivery): Promise<DeliveryOutcome> {
  const leftMs = Math.max(1000, Date.parse(delivery.notAfter) - nowMs());
  const options = {
    ...deliveryOptions,
    // Waits for a worker as long as the message is worth something.
    scheduleToCloseTimeout: leftMs,
    summary: summaryOf(delivery),
  };
  try {
    return await deliver.executeWithOptions(options, [delivery]);
  } catch (error) {
    workflow.log.warn('delivery without a known outcome', {
      deliveryId: delivery.deliveryId,
      error: String(error),
    });
    return {
      result: 'failed',
      at: new Date(nowMs()).toISOString(),
      provider: null,
      reason: 'No outcome became known in time.',
      failure: 'Timeout',
    };
  }
}

/** For Temporal UI, without addresses. */
function summaryOf({ channel, message }: Delivery): string {
  if (message.kind !== 'page') return `${channel} · answer to a reply`;
  const [first, ...more] = message.pages;
  return more.length === 0 && first
    ? `${channel} · incident #${first.incidentNumber}`
    : `${channel} · ${message.pages.length} incidents`;
}

const { receiptOf } = workflow.proxyActivities<DeliveryActivities>({
  taskQueue: TASK_QUEUES.delivery,
  startToCloseTimeout: '10 s',
  // The message goes out again when nothing is known by then.
  scheduleToCloseTimeout: '10 s',
  retry: { maximumAttempts: 1 },
});

/** How far a provider says that a message came; null when it does not say. */
export async function ask(query: ReceiptQuery): Promise<ReceiptState | null> {
  try {
    return await receiptOf(query);
  } catch (error) {
    workflow.log.warn('receipt not to be had', { ...query, error: String(error) });
    return null;
  }
}

/** Tells an incident. A day without success is logged; the incident's own timers go on meanwhile. */
export async function tell(
  command: Extract<ResponderCommand, { type: 'answer' | 'unreachable' }>,
): Promise<void> {
  const { signalAnswer, signalUnreachable } = workflow.patched('told-by-activity')
    ? messaging
    : localMessaging;
  try {
    if (command.type === 'answer') await signalAnswer(command.incidentWorkflowId, command.answer);
    else await signalUnreachable(command.incidentWorkflowId, command.report);
  } catch (error) {
    workflow.log.error('an incident could not be told', {
      incidentWorkflowId: command.incidentWorkflowId,
      what: command.type,
      error: String(error),
    });
  }
}
