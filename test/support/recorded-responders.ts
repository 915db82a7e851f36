import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { RESPONDER, TASK_QUEUES } from '../../domain/messages.ts';
import type { ReceiptState } from '../../domain/receipt.ts';
import type { Page, Reply } from '../../domain/responder/types.ts';
import { responderWorkflowId } from '../../temporal-config/names.ts';
import { byOther, outcome, type ResponderActivities } from './responder-worker.ts';
import { aPage, aReply, step } from './responder-world.ts';

/** Runs a scenario on a real server; answers the workflow id whose history is kept: of this run, or else the last. */
export type ResponderScenario = (
  env: TestWorkflowEnvironment,
  world: ResponderActivities,
) => Promise<string | { readonly workflowId: string; readonly runId: string }>;

async function page(
  env: TestWorkflowEnvironment,
  userId: string,
  change: Partial<Page> & { number: number },
) {
  const { number, ...rest } = change;
  return env.client.workflow.signalWithStart(RESPONDER.workflow, {
    workflowId: responderWorkflowId('A', userId),
    taskQueue: TASK_QUEUES.workflows,
    args: [{ accountId: 'A', userId }],
    signal: RESPONDER.signals.page,
    signalArgs: [aPage(number, Date.now(), rest)],
  });
}
type Handle = Awaited<ReturnType<typeof page>>;

const reply = (handle: Handle, id: string, change: Partial<Reply>) =>
  handle.signal(RESPONDER.signals.reply, aReply(id, { at: new Date().toISOString(), ...change }));

const stop = (handle: Handle, number: number) =>
  handle.signal(RESPONDER.signals.stop, {
    incidentId: `I${number}`,
    outcome: {
      status: 'acknowledged',
      by: { type: 'user', id: 'U0', summary: 'Ana' },
      at: new Date().toISOString(),
    },
  });

const slowly = (world: ResponderActivities, ms: number) => {
  world.deliver = async () => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return outcome('accepted');
  };
};

/** The vendor's word on the last message. */
const report = (handle: Handle, world: ResponderActivities, state: ReceiptState) =>
  handle.signal(RESPONDER.signals.receipt, {
    deliveryId: world.deliveries.at(-1)?.deliveryId ?? '',
    providerId: 'X',
    state,
    at: new Date().toISOString(),
    code: null,
  });

/** Scenarios of the responder; their workflows stay open for the week of their codes. */
export const recordedResponders: Readonly<Record<string, ResponderScenario>> = {
  // The first goes alone, the others together while it is under way; the bundle's code answers them.
  'responder-bundled': async (env, world) => {
    slowly(world, 500);
    const handle = await page(env, 'UBUNDLED', { number: 1 });
    for (let number = 2; number <= 5; number++) await page(env, 'UBUNDLED', { number });
    await env.sleep(2500);
    const code = world.pages.at(-1)?.code ?? '';
    await reply(handle, 'SM-bundle', { code });
    await env.sleep(1500);
    await reply(handle, 'SM-again', { code });
    await env.sleep(2500);
    return handle.workflowId;
  },
  'responder-voice': async (env, world) => {
    const steps = [step('SMS1'), step('V1', 2, 'voice')];
    const handle = await page(env, 'UVOICE', { number: 1, steps });
    await env.sleep(3500);
    const code = world.pages.at(-1)?.code ?? '';
    await reply(handle, 'CA1', { via: 'voice', contactMethodId: 'V1', code, action: 'resolve' });
    await env.sleep(1000);
    return handle.workflowId;
  },
  // Answered by somebody else while the message is on its way.
  'responder-stale': async (env, world) => {
    world.deliver = async () => {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      return outcome('stale');
    };
    const steps = [step('SMS1'), step('V1', 300, 'voice')];
    const handle = await page(env, 'USTALE', { number: 1, steps });
    await env.sleep(500);
    await stop(handle, 1);
    await page(env, 'USTALE', { number: 2, steps });
    await env.sleep(8000);
    return handle.workflowId;
  },
  // Somebody else was quicker with the first; a bare answer to it comes while the next page has reached nobody.
  'responder-unseen': async (env, world) => {
    const handle = await page(env, 'UUNSEEN', { number: 1 });
    await env.sleep(1000);
    await stop(handle, 1);
    slowly(world, 1500);
    await page(env, 'UUNSEEN', { number: 2 });
    await env.sleep(500);
    await reply(handle, 'SM-late', { action: 'acknowledge' });
    await env.sleep(6000);
    return handle.workflowId;
  },
  // The same, and the next page has gone out, but nobody can have read it; then somebody has.
  'responder-too-soon': async (env, world) => {
    world.deliver = () => outcome('accepted');
    const handle = await page(env, 'UTOOSOON', { number: 1 });
    await env.sleep(1000);
    await stop(handle, 1);
    await page(env, 'UTOOSOON', { number: 2 });
    await env.sleep(4000);
    await reply(handle, 'SM-late', { action: 'acknowledge' });
    await env.sleep(6000);
    await reply(handle, 'SM-read', { action: 'acknowledge' });
    await env.sleep(6000);
    return handle.workflowId;
  },
  // Much happens while the database is away.
  'responder-stuck': async (env, world) => {
    world.onProject = () => {
      throw new Error('the database is away');
    };
    const handle = await page(env, 'USTUCK', { number: 1 });
    for (let turn = 0; turn < 60; turn += 1) {
      const optOut = { contactMethodId: 'SMS9', optedOut: turn % 2 === 0, at: '' };
      await handle.signal(RESPONDER.signals.optOut, optOut);
      await env.sleep(30);
    }
    return { workflowId: handle.workflowId, runId: handle.signaledRunId };
  },
  // More urgent pages than a contact method gets at once, a STOP, and one that nobody can be told.
  'responder-limits': async (env, world) => {
    const handle = await page(env, 'ULIMITS', { number: 1 });
    for (let number = 2; number <= 6; number++) {
      await env.sleep(300);
      await page(env, 'ULIMITS', { number });
    }
    await env.sleep(7000);
    const at = new Date().toISOString();
    await handle.signal(RESPONDER.signals.optOut, { contactMethodId: 'SMS1', optedOut: true, at });
    await page(env, 'ULIMITS', { number: 7 });
    await env.sleep(1000);
    world.deliver = () => outcome('rejected');
    await page(env, 'ULIMITS', { number: 8, steps: [step('E1', 0, 'email')] });
    await env.sleep(2000);
    return handle.workflowId;
  },
  // The vendor gives up on the first at once; of the second it says nothing, by itself or asked; late words change nothing.
  'responder-receipts': async (env, world) => {
    world.deliver = byOther;
    world.receipt = null;
    const steps = [step('SMS1'), step('V1', 300, 'voice')];
    const handle = await page(env, 'URECEIPTS', { number: 1, steps });
    await env.sleep(1000);
    await report(handle, world, 'sent');
    await report(handle, world, 'failed');
    await report(handle, world, 'sent');
    await env.sleep(6000);
    await stop(handle, 1);
    await page(env, 'URECEIPTS', { number: 2, steps });
    await env.sleep(70_000);
    await report(handle, world, 'delivered');
    await env.sleep(1000);
    return handle.workflowId;
  },
};
