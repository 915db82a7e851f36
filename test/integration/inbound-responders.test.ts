// An answer counts while no worker runs; whoever has no pages is told so; and when Temporal cannot be
// reached or does not answer, the caller knows within two seconds that nothing was recorded.
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';

import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { createResponders } from '../../api/inbound/responders.ts';
import type { Reply } from '../../domain/responder/types.ts';
import { RESPONDER } from '../../domain/messages.ts';
import { responderWorkflowId } from '../../temporal-config/names.ts';
import { devServer } from '../support/temporal.ts';
import type { DevServer } from '../support/temporal.ts';

const who = { accountId: 'PACC', userId: 'PUSER' };
const reply: Reply = {
  ...{ replyId: 'SM1', at: '2026-11-23T12:00:00Z', via: 'sms', contactMethodId: null },
  ...{ action: 'acknowledge', code: null, ambiguous: false, traceparent: null },
};
let environment: DevServer;
let silent: Server;

beforeAll(async () => {
  environment = await devServer();
  silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  silent.close();
  await environment.close();
});

describe('responders', () => {
  it('take answers without a worker, in history before the call returns', async () => {
    const { client } = environment;
    const handle = await client.workflow.start(RESPONDER.workflow, {
      workflowId: responderWorkflowId(who.accountId, who.userId),
      taskQueue: 'nobody-works-here',
      args: [who],
    });
    const responders = createResponders(client);
    expect(await responders.reply(who, reply)).toBe('recorded');
    const optOut = { contactMethodId: 'C', optedOut: true, at: reply.at };
    expect(await responders.optOut(who, optOut)).toBe('recorded');
    const { events } = await handle.fetchHistory();
    const signals = (events ?? []).map(
      (event) => event.workflowExecutionSignaledEventAttributes?.signalName,
    );
    expect(signals.filter(Boolean)).toEqual([RESPONDER.signals.reply, RESPONDER.signals.optOut]);
    const started = performance.now();
    expect(await responders.outcome(who, 'SM1')).toBeNull();
    const code = 'ABC234';
    const link = { replyId: 'SM1', action: 'acknowledge', code, incidentIds: ['I1'] } as const;
    expect(await responders.look(who, link)).toEqual({ titles: [], answered: null });
    expect(performance.now() - started).toBeLessThan(4000);
  });

  it('say when nobody is there', async () => {
    const responders = createResponders(environment.client);
    expect(await responders.reply({ ...who, userId: 'PNOBODY' }, reply)).toBe('nobody');
    expect(await responders.outcome({ ...who, userId: 'PNOBODY' }, 'SM1')).toBeNull();
  });

  it.each(['a closed port', 'a server that never answers'])(
    'say in time when Temporal is %s',
    async (what) => {
      const port = what === 'a closed port' ? 1 : (silent.address() as AddressInfo).port;
      const connection = Connection.lazy({ address: `127.0.0.1:${port}`, connectTimeout: 1000 });
      const responders = createResponders(new Client({ connection }));
      const started = performance.now();
      expect(await responders.reply(who, reply)).toBe('down');
      expect(performance.now() - started).toBeLessThan(2500);
      // Left open: the client's own next try would find a closed channel and throw where nobody can catch it.
    },
  );
});
