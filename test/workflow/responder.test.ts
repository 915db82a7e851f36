// Property: the responder workflow pages, bundles, takes answers, and ends a week later, on a real
// Temporal server whose clock is skipped forward; replies count even while no worker runs.
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker, bundleWorkflowCode } from '@temporalio/worker';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import type { WorkflowHandleWithSignaledRunId } from '@temporalio/client';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { StopOutcome } from '../../domain/incident/types.ts';
import { RESPONDER } from '../../domain/messages.ts';
import type { ReceiptState } from '../../domain/receipt.ts';
import type { Page, ReplyOutcome, ResponderState } from '../../domain/responder/types.ts';
import { TASK_QUEUES, responderWorkflowId } from '../../temporal-config/names.ts';
import { createTimeSkippingEnv } from '../support/temporal.ts';
import { byOther, outcome, ResponderActivities } from '../support/responder-worker.ts';
import { aPage, aReply, iso, step } from '../support/responder-world.ts';

type Handle = WorkflowHandleWithSignaledRunId<() => Promise<void>>;

const MINUTE = 60_000;
let environment: TestWorkflowEnvironment;
let workflowBundle: WorkflowBundleWithSourceMap;
let world: ResponderActivities;
let user = 0;

/** Runs workers while the body runs. */
async function working<T>(body: () => Promise<T>): Promise<T> {
  const { nativeConnection: connection } = environment;
  const { activities } = world;
  const workers = await Promise.all([
    Worker.create({ connection, taskQueue: TASK_QUEUES.workflows, workflowBundle, activities }),
    Worker.create({ connection, taskQueue: TASK_QUEUES.delivery, activities }),
    Worker.create({ connection, taskQueue: TASK_QUEUES.projection, activities }),
  ]);
  const [first, ...others] = workers;
  const ran = others.map((worker) => worker.run());
  try {
    return await first.runUntil(body());
  } finally {
    for (const worker of others) worker.shutdown();
    await Promise.all(ran);
  }
}

async function page(change: Partial<Page> & { number: number }): Promise<Handle> {
  const { number, ...rest } = change;
  const now = await environment.currentTimeMs();
  return environment.client.workflow.signalWithStart(RESPONDER.workflow, {
    workflowId: responderWorkflowId('A', `U${user}`),
    taskQueue: TASK_QUEUES.workflows,
    args: [{ accountId: 'A', userId: `U${user}` }],
    signal: RESPONDER.signals.page,
    signalArgs: [aPage(number, now, rest)],
  }) as Promise<Handle>;
}

const stateOf = (handle: Handle) => handle.query<ResponderState>(RESPONDER.queries.state);
const stop = (handle: Handle, number: number, change: Partial<StopOutcome> = {}) => {
  const by = { type: 'user', id: 'U0', summary: 'Ana' } as const;
  const closed = { status: 'acknowledged', by, at: iso(0), ...change };
  return handle.signal(RESPONDER.signals.stop, { incidentId: `I${number}`, outcome: closed });
};

/** When the event was written, in the server's skipped time; milliseconds since 1970. */
const instantOf = (
  event: { readonly eventTime?: { readonly seconds?: unknown } | null } | undefined,
) => Number(event?.eventTime?.seconds) * 1000;

beforeAll(async () => {
  workflowBundle = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../workflows/responder.ts', import.meta.url)),
  });
}, 120_000);
// A server each: on one that others used before, the clock stands still while it waits for a worker that is gone.
beforeEach(async () => {
  environment = await createTimeSkippingEnv();
  world = new ResponderActivities();
  user += 1;
});
afterEach(() => environment.teardown());

describe('the responder workflow', { timeout: 60_000 }, () => {
  test('lives for the seven days of its last code and then ends', async () => {
    const handle = await page({ number: 1 });
    await working(async () => {
      await environment.sleep(10_000);
      await stop(handle, 1);
      // No workflow task may be under way when the clock jumps by days.
      expect((await stateOf(handle)).pages).toEqual([]);
      for (let day = 1; day <= 6; day++) await environment.sleep(24 * 60 * MINUTE);
      expect((await stateOf(handle)).codes).toHaveLength(1);
      await handle.result();
      const { events } = await handle.fetchHistory();
      const lifeMs = instantOf(events?.at(-1)) - instantOf(events?.[0]);
      expect(Math.floor(lifeMs / (24 * 60 * MINUTE))).toBe(7);
    });
  });

  test('bundles what came together, each page in a message once, with the right count', async () => {
    let handle = await page({ number: 1 });
    for (let number = 2; number <= 40; number++) handle = await page({ number });
    await working(async () => {
      await environment.sleep(10_000);
      expect((await stateOf(handle)).pages).toHaveLength(40);
    });
    expect(world.pages).toHaveLength(1);
    expect(world.pages[0]).toMatchObject({ openCount: 40, codeDemanded: true });
    expect(world.pages[0]?.pages).toHaveLength(40);
    const entries = world.batches.flatMap((batch) => batch.entries);
    expect(new Set(entries.map((entry) => entry.id)).size).toBe(40);
  });

  test('an answer stops the later steps, and the incident is told once', async () => {
    const steps = [step('SMS1'), step('V1', 300, 'voice')];
    const handle = await page({ number: 1, steps });
    await working(async () => {
      await environment.sleep(MINUTE);
      await handle.signal(RESPONDER.signals.reply, aReply('SM1'));
      await handle.signal(RESPONDER.signals.reply, aReply('SM1'));
      await environment.sleep(20 * MINUTE);
      const known = await handle.query<ReplyOutcome | null, [string]>(
        RESPONDER.queries.replyOutcome,
        'SM1',
      );
      expect(known?.result).toBe('accepted');
      const open = await handle.query<unknown, [readonly string[]]>(RESPONDER.queries.openPages, [
        'I1/1',
      ]);
      expect(open).toEqual([]);
    });
    expect(world.pages.map((item) => item.contactMethodId)).toEqual(['SMS1']);
    expect(world.answers).toMatchObject([{ incidentId: 'I1', action: 'acknowledge' }]);
    expect(world.notices).toEqual(['Acknowledged: #1 Disk 1 is full.']);
  });

  test('without an answer the steps follow at their delays', async () => {
    const steps = [step('SMS1'), step('V1', 300, 'voice')];
    await page({ number: 1, steps });
    await working(() => environment.sleep(20 * MINUTE));
    expect(world.pages.map((item) => item.contactMethodId)).toEqual(['SMS1', 'V1']);
  });

  test('a rejected contact method gives way to the next; none left is reported', async () => {
    world.deliver = () => outcome('rejected');
    await page({ number: 1, steps: [step('SMS1'), step('E1', 600, 'email')] });
    await working(() => environment.sleep(5_000));
    expect(world.pages.map((item) => item.contactMethodId)).toEqual(['SMS1', 'E1']);
    expect(world.unreachable).toMatchObject([{ incidentId: 'I1', pageId: 'I1/1' }]);
  });

  test('a page of which nothing is heard goes out by another provider, and then by the next contact method', async () => {
    world.deliver = byOther;
    world.receipt = null;
    const handle = await page({ number: 1, steps: [step('SMS1'), step('V1', 900, 'voice')] });
    await working(async () => {
      await environment.sleep(55_000);
      expect(world.asked).toHaveLength(1);
      expect(world.deliveries).toHaveLength(1);
      await environment.sleep(10_000);
      expect(world.deliveries.map((one) => one.avoidProviders)).toEqual([undefined, ['fake']]);
      await environment.sleep(MINUTE);
      expect(world.pages.map((item) => item.contactMethodId)).toEqual(['SMS1', 'SMS1', 'V1']);
      await stop(handle, 1);
      await environment.sleep(10 * MINUTE);
    });
    expect(world.pages).toHaveLength(3);
    const told = world.batches.flatMap((batch) => batch.entries.map((entry) => entry.details));
    expect(told.filter((details) => details['outcome'] === 'no_receipt')).toHaveLength(2);
  });

  test('a failed receipt sends the page again at once; late, doubled and unknown ones change nothing', async () => {
    world.deliver = byOther;
    const handle = await page({ number: 1 });
    const report = (deliveryId: string, state: ReceiptState) =>
      handle.signal(RESPONDER.signals.receipt, {
        deliveryId,
        providerId: 'X',
        state,
        at: iso(0),
        code: null,
      });
    await working(async () => {
      await environment.sleep(2000);
      const first = world.deliveries[0]?.deliveryId ?? '';
      for (const state of ['failed', 'failed', 'sent', 'queued'] as const) {
        await report(first, state);
        await report('responder/A/U/GONE-1', state);
      }
      await environment.sleep(5000);
      expect(world.deliveries.map((one) => one.avoidProviders)).toEqual([undefined, ['fake']]);
      await environment.sleep(5 * MINUTE);
    });
    expect(world.pages).toHaveLength(2);
    expect(world.answers).toEqual([]);
  });

  test('replies that come while no worker runs count when one is back, in their order', async () => {
    const handle = await page({ number: 1, steps: [step('SMS1'), step('SMS1', 600)] });
    await handle.signal(RESPONDER.signals.reply, aReply('SM1'));
    await handle.signal(RESPONDER.signals.reply, aReply('SM2', { action: 'resolve' }));
    await working(() => environment.sleep(20 * MINUTE));
    expect(world.pages).toEqual([]);
    expect(world.answers).toMatchObject([{ action: 'acknowledge' }]);
    expect(world.notices[0]).toBe('Acknowledged: #1 Disk 1 is full.');
  });

  test('signals of the first moment are taken in their order: page, stop, page again', async () => {
    const handle = await page({ number: 1 });
    await stop(handle, 1);
    await page({ number: 1, pageId: 'I1/2' });
    await working(() => environment.sleep(1000));
    expect(world.pages.map((item) => item.pages.map(({ pageId }) => pageId))).toEqual([['I1/2']]);
  });

  test('codes act on their message only, and a late reply says who was first', async () => {
    const handle = await page({ number: 1 });
    await working(async () => {
      await environment.sleep(10_000);
      await page({ number: 2 });
      await environment.sleep(10_000);
      await stop(handle, 1, { at: '2026-11-23T10:03:00.000Z' });
      const [first, second] = world.pages;
      await handle.signal(RESPONDER.signals.reply, aReply('R1', { code: first?.code ?? '' }));
      await environment.sleep(10_000);
      await handle.signal(RESPONDER.signals.reply, aReply('R2', { code: second?.code ?? '' }));
      await environment.sleep(10_000);
    });
    expect(world.notices).toEqual([
      '#1 Disk 1 is full was already acknowledged by Ana at 10:03 UTC.',
      'Acknowledged: #2 Disk 2 is full.',
    ]);
    expect(world.answers.map((answer) => answer.incidentId)).toEqual(['I2']);
  });

  test('low urgency goes out once a minute, and its limits hold', async () => {
    await working(async () => {
      for (let number = 1; number <= 8; number++) {
        const notAfter = iso((await environment.currentTimeMs()) + 60 * MINUTE);
        await page({ number, urgency: 'low', notAfter });
        await environment.sleep(70_000);
      }
      expect(world.pages).toHaveLength(5);
      await environment.sleep(30 * MINUTE);
    });
    expect(world.pages.flatMap((item) => item.pages)).toHaveLength(8);
  });
});
