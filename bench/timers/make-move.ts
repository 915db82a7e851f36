import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';

import { signalIncident } from '../../api/intake/incident-signal.ts';
import type { AlertEvent } from '../../domain/event.ts';
import type { ActionContext, IncidentAction } from '../../domain/incident/types.ts';
import { RESPONDER } from '../../domain/messages.ts';
import type { Reply } from '../../domain/responder/types.ts';
import { actOnIncident } from '../../temporal-config/act-on-incident.ts';
import { workflowIdOfEvent, type EventRoute } from '../../temporal-config/incident-start.ts';
import { responderWorkflowId } from '../../temporal-config/names.ts';
import type { TimersEngine } from './engine.ts';
import type { Move } from './plan.ts';
import type { PlayedSeed } from './play-seeds.ts';

const UPDATE_LIMIT_MS = 10_000;

/** Does to the product what the api would do, now, and notes it down. */
export async function makeMove(
  engine: TimersEngine,
  seed: PlayedSeed,
  planned: Move,
): Promise<void> {
  const atMs = await engine.clock.ask();
  const move = planned.kind === 'answer' ? { ...planned, by: lastPaged(seed) } : planned;
  seed.moves.push({ atMs, move });
  try {
    await carryOut(engine, seed, { move, atMs });
  } catch (error) {
    if (!isOver(error)) throw error;
    seed.seen.refusals.push({ atMs, text: `${move.kind} was refused` });
  }
}

interface Making {
  readonly move: Move;
  readonly atMs: number;
}

async function carryOut(
  { env: { client } }: TimersEngine,
  seed: PlayedSeed,
  { move, atMs }: Making,
): Promise<void> {
  if (move.kind === 'trigger' || move.kind === 'resolve_event') {
    await signalIncident(client, [eventOf(seed, move.kind, atMs)]);
  } else if (move.kind === 'answer') {
    if (move.by !== null) await answer(client, { seed, by: move.by, atMs });
  } else {
    const workflowId = workflowIdOfEvent(eventOf(seed, 'trigger', atMs));
    await actOnIncident(client, workflowId, actionOf(seed, move, atMs), UPDATE_LIMIT_MS);
  }
}

/** Whoever is over takes no action. */
function isOver(error: unknown): boolean {
  return error instanceof WorkflowNotFoundError || error instanceof WorkflowUpdateFailedError;
}

function lastPaged({ seen }: PlayedSeed): string | null {
  return /PT\d+-U\d+/.exec(seen.messages.at(-1)?.to ?? '')?.[0] ?? null;
}

function eventOf(
  { plan, index, moves }: PlayedSeed,
  kind: 'trigger' | 'resolve_event',
  atMs: number,
): EventRoute {
  const [service] = index.config.services;
  if (!service) throw new RangeError('a seed has a service');
  const { severity, seed } = plan;
  const event: AlertEvent = {
    ...{ eventId: `${seed}-${moves.length}`, integrationId: `PT${seed}-I`, dedupKey: 'timers' },
    action: kind === 'trigger' ? 'trigger' : 'resolve',
    receivedAt: new Date(atMs).toISOString(),
    payload: kind === 'trigger' ? payload(seed, severity) : null,
    ...{ client: null, clientUrl: null, links: [], images: [], traceparent: null },
  };
  return { index, service, event };
}

function payload(seed: number, severity: 'critical' | 'warning'): AlertEvent['payload'] {
  const none = { timestamp: null, component: null, group: null, class: null, customDetails: null };
  return { summary: `Seed ${seed}`, source: 'timers', severity, ...none };
}

function actionOf(
  { plan, moves }: PlayedSeed,
  move: Exclude<Move, { kind: 'trigger' | 'resolve_event' | 'answer' }>,
  atMs: number,
): IncidentAction {
  const context: ActionContext = {
    ...{ actionId: `${plan.seed}-${moves.length}`, at: new Date(atMs).toISOString() },
    agent: { type: 'user', id: move.by, summary: move.by },
    channel: 'api',
    traceparent: null,
  };
  switch (move.kind) {
    case 'acknowledge':
      return { ...context, type: 'acknowledge' };
    case 'resolve':
      return { ...context, type: 'resolve', resolution: null };
    case 'note':
      return { ...context, type: 'note', content: 'looking' };
    case 'snooze':
      return { ...context, type: 'snooze', durationSec: move.minutes * 60 };
    case 'reassign':
      return { ...context, type: 'reassign', userIds: move.to };
    case 'escalate':
      return { ...context, type: 'escalate', ruleIndex: move.ruleIndex };
  }
}

/** As a link in a push message does; a reply without a code means the one page that is open. */
async function answer(
  client: TimersEngine['env']['client'],
  { seed, by, atMs }: { readonly seed: PlayedSeed; readonly by: string; readonly atMs: number },
): Promise<void> {
  const reply: Reply = {
    ...{ replyId: `${seed.plan.seed}-${seed.moves.length}`, at: new Date(atMs).toISOString() },
    ...{ via: 'push', contactMethodId: `${by}-push`, action: 'acknowledge', code: null },
    ...{ ambiguous: false, traceparent: null },
  };
  const workflowId = responderWorkflowId(seed.index.account.id, by);
  await client.workflow.getHandle(workflowId).signal(RESPONDER.signals.reply, reply);
}
