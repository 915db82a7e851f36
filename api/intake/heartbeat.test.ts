// Every beat is stored but those within a second of another, however the clock of the machine jumps.
import type { Response } from 'express';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

import type { Beat } from '../../domain/heartbeat.ts';
import type { Integration } from '../../domain/model.ts';
import { hashKey } from '../../platform/ids.ts';
import { memoryDirectory, sampleAccount } from '../../test/support/memory-directory.ts';
import type { ApiDeps } from '../deps.ts';
import { receiveBeat } from './heartbeat.ts';
import { IntegrationLimit } from './integration-limit.ts';

const KEY = 'f'.repeat(32);
const account = sampleAccount();
const [first] = account.integrations;
if (!first) throw new Error('the sample has an integration');
const heartbeat: Integration = {
  ...{ ...first, id: 'PBEAT', keyHash: hashKey(KEY) },
  type: 'heartbeat_inbound_integration',
  heartbeatTimeoutSec: 60,
};
const T0 = Date.parse('2026-11-27T12:00:00.000Z');
let steadyMs = 5000;
let machineMs = T0;

beforeEach(() => {
  vi.spyOn(performance, 'now').mockImplementation(() => steadyMs);
});
afterEach(() => vi.restoreAllMocks());

test('beats after the clock has jumped back are stored', async () => {
  const beats: Beat[] = [];
  const workflow = {
    signalWithStart: (_name: string, { signalArgs }: { signalArgs: [Beat] }) =>
      Promise.resolve(beats.push(signalArgs[0])),
  };
  const temporal = { workflow, withDeadline: (_at: number, work: () => unknown) => work() };
  const deps = {
    directory: memoryDirectory([{ ...account, integrations: [heartbeat] }]),
    ...{ temporal, logger: pino({ level: 'silent' }), now: () => new Date(machineMs) },
  } as unknown as ApiDeps;
  const limit = new IntegrationLimit();
  const nothing = () => undefined;
  const response = {
    ...{ locals: { context: { log: {} } }, hasHeader: () => true },
    ...{ status: nothing, setHeader: nothing, end: nothing },
  } as unknown as Response;
  const beat = () => receiveBeat({ deps, limit }, KEY, response);
  await beat();
  steadyMs += 500;
  await beat();
  expect(beats).toHaveLength(1);
  steadyMs += 2000;
  machineMs = T0 - 6 * 3_600_000;
  await beat();
  expect(beats).toMatchObject([{ waitedMs: 0 }, { waitedMs: 0, at: '2026-11-27T06:00:00.000Z' }]);
});
