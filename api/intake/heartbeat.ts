import type { Response } from 'express';

import type { Beat, HeartbeatState } from '../../domain/heartbeat.ts';
import { BEAT_GRACE_MS } from '../../domain/heartbeat.ts';
import { HEARTBEAT } from '../../domain/messages.ts';
import { heartbeatWorkflowId, startOptions } from '../../temporal-config/names.ts';
import type { ApiDeps } from '../deps.ts';
import { isTemporalDown } from '../errors.ts';
import type { IntegrationLimit } from './integration-limit.ts';
import { findIntegration, refuse, reply, type Found } from './receive.ts';
import { WEBHOOK_REPLIES } from './replies.ts';
import { IntakeRefusal } from './sink.ts';

/** The way in for heartbeats: `POST` or `GET`, without a body that matters. */
export const HEARTBEAT_DOOR = { name: 'heartbeat', replies: WEBHOOK_REPLIES } as const;

const CALL_DEADLINE_MS = 2000;
/** Integrations whose last beat is remembered; beyond it all are forgotten, which costs a signal each. */
const MAX_REMEMBERED = 10_000;
/** When this process last stored a beat of an integration, on the clock of `performance.now()`. */
const lastStored = new WeakMap<IntegrationLimit, Map<string, number>>();

interface Receiving {
  readonly deps: ApiDeps;
  readonly limit: IntegrationLimit;
}

const noKeyError = { keyError: (): null => null };

/**
 * One beat: 202 when it is in the heartbeat's history. 503 with `Retry-After` when it could not be stored: the
 * sender's next beat makes up for it.
 */
export async function receiveBeat(
  receiving: Receiving,
  key: unknown,
  response: Response,
): Promise<void> {
  const { deps, limit } = receiving;
  try {
    const found = findIntegration({ deps }, noKeyError, key);
    if (!found) {
      reply(response, HEARTBEAT_DOOR, 'unknown_key', WEBHOOK_REPLIES.unknownKey());
      return;
    }
    const { integration } = found;
    if (integration.type !== 'heartbeat_inbound_integration') {
      const answer = WEBHOOK_REPLIES.invalid(['This integration takes alerts, not heartbeats']);
      reply(response, HEARTBEAT_DOOR, 'invalid', answer);
      return;
    }
    const waitSec = await limit.exceededFor(integration, 1);
    if (waitSec !== null) {
      reply(response, HEARTBEAT_DOOR, 'rate_limited', WEBHOOK_REPLIES.rateLimited(waitSec));
      return;
    }
    await storeOnce(receiving, found);
    reply(response, HEARTBEAT_DOOR, 'stored', {
      status: 202,
      body: { status: 'success', message: 'Heartbeat recorded' },
    });
  } catch (error) {
    refuse({ deps }, HEARTBEAT_DOOR, response, error);
  }
}

/** Beats within the second that the workflow grants anyhow are one. */
async function storeOnce({ deps, limit }: Receiving, found: Found): Promise<void> {
  const known = lastStored.get(limit) ?? new Map<string, number>();
  lastStored.set(limit, known);
  const nowMs = performance.now();
  const { id } = found.integration;
  if (nowMs - (known.get(id) ?? Number.NEGATIVE_INFINITY) < BEAT_GRACE_MS) return;
  if (known.size >= MAX_REMEMBERED) known.clear();
  await storeBeat(deps, found);
  known.set(id, nowMs);
}

async function storeBeat(deps: ApiDeps, { index, integration }: Found): Promise<void> {
  const beat: Beat = {
    at: deps.now().toISOString(),
    waitedMs: 0,
    timeoutSec: integration.heartbeatTimeoutSec ?? 300,
  };
  const start: HeartbeatState = {
    accountId: index.account.id,
    integrationId: integration.id,
    lastBeatAt: beat.at,
    timeoutSec: beat.timeoutSec,
    missedAt: null,
  };
  try {
    await deps.temporal.withDeadline(Date.now() + CALL_DEADLINE_MS, () =>
      deps.temporal.workflow.signalWithStart(HEARTBEAT.workflow, {
        workflowId: heartbeatWorkflowId(index.account.id, integration.id),
        ...startOptions(index.account.id),
        args: [start],
        signal: HEARTBEAT.signals.beat,
        signalArgs: [beat],
        staticSummary: `Heartbeat of integration ${integration.id}`,
      }),
    );
  } catch (error) {
    if (isTemporalDown(error)) throw new IntakeRefusal('unavailable', 5, error);
    throw error;
  }
}
