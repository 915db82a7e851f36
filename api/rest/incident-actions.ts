import {
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';

import type {
  ActionContext,
  Agent,
  Answer,
  IncidentAction,
  IncidentView,
} from '../../domain/incident/types.ts';
import { ACTION_REFUSED, INCIDENT } from '../../domain/messages.ts';
import type { Actor } from '../../domain/permissions.ts';
import { newId } from '../../platform/ids.ts';
import { actOnIncident } from '../../temporal-config/act-on-incident.ts';
import type { ApiDeps } from '../deps.ts';
import { isTemporalDown } from '../errors.ts';
import { actionOrigin } from '../origin.ts';
import type { FoundIncident, LiveIncidents } from '../live-incidents.ts';
import type { RouteInput } from '../route.ts';
import { firstAnswer, keyReused, retryActionId, retryOf } from './idempotency.ts';
import { invalidInput, RestError } from './shared/rest-error.ts';

const UPDATE_DEADLINE_MS = 5000;
/** An answer falls back to a signal, which needs no worker, so it need not wait as long. */
const ANSWER_DEADLINE_MS = 3000;
const SIGNAL_DEADLINE_MS = 2000;
/** PagerDuty's code. */
const ALREADY_RESOLVED = 1001;

type WithoutContext<T> = T extends unknown ? Omit<T, keyof ActionContext> : never;
/** An action before it is known who does it, and when. */
export type ActionBody = WithoutContext<IncidentAction>;

/** Whoever acts by a request. */
export type Caller = Pick<
  RouteInput<undefined, undefined, undefined>,
  'actor' | 'requestId' | 'traceparent' | 'request'
>;

export interface Acted {
  readonly view: IncidentView;
  /** True: recorded durably, but no worker has taken it up; `view` is the last known one. */
  readonly pending: boolean;
}

/** What acting needs. */
export interface ActDeps extends Pick<ApiDeps, 'temporal' | 'directory' | 'now' | 'logger'> {
  readonly live: LiveIncidents;
}

/** PagerDuty's 404 of an incident. */
export function incidentNotFound(): RestError {
  return new RestError(404, 5001, 'Incident Not Found');
}

/** @throws RestError 404 when the account has no such incident */
export async function findOr404(
  live: LiveIncidents,
  actor: Actor,
  incidentId: string,
): Promise<FoundIncident> {
  const found = await live.find(actor.accountId, incidentId);
  if (!found) throw incidentNotFound();
  return found;
}

/**
 * Does the actions one after the other and answers the incident after the last. Without a worker an
 * acknowledge or resolve is recorded by a signal and pending; anything else is not recorded. What was done
 * before with the same `Idempotency-Key` is answered as it was then.
 * @throws RestError with PagerDuty's code when an action is refused; the engine's error when it is not there.
 */
export async function act(
  deps: ActDeps,
  caller: Caller,
  incidentId: string,
  actions: readonly ActionBody[],
): Promise<Acted> {
  const found = await findOr404(deps.live, caller.actor, incidentId);
  return onceOnly(deps, caller, { view: found.view, position: actions.length - 1 }, () =>
    actInOrder(deps, caller, found, actions),
  );
}

/** Runs `work`; where it finds an incident resolved, perhaps an earlier try of this request has resolved it. */
export async function onceOnly(
  deps: Pick<ActDeps, 'temporal'>,
  caller: Caller,
  last: { readonly view: IncidentView; readonly position: number },
  work: () => Promise<Acted>,
): Promise<Acted> {
  const retry = retryOf(caller, last.view.id);
  try {
    return await work();
  } catch (error) {
    if (!retry || !isAlreadyResolved(error)) throw error;
    const actionId = retryActionId(retry, last.position);
    const view = await firstAnswer(deps.temporal, last.view, actionId);
    if (!view) throw error;
    return { view, pending: false };
  }
}

async function actInOrder(
  deps: ActDeps,
  caller: Caller,
  found: FoundIncident,
  actions: readonly ActionBody[],
): Promise<Acted> {
  const incidentId = found.view.id;
  let acted: Acted = { view: found.view, pending: false };
  if (actions.length > 0 && found.view.status === 'resolved') throw alreadyResolved();
  for (const [position, body] of actions.entries()) {
    const action: IncidentAction = { ...contextOf(deps, caller, incidentId, position), ...body };
    acted = await actOnce(deps, acted.pending ? { ...found, source: 'projection' } : found, action);
    const { actionId, agent } = action;
    deps.logger.info(
      { incidentId, action: action.type, actionId, agent: agent.id, pending: acted.pending },
      'incident action',
    );
  }
  return acted;
}

async function actOnce(
  deps: ActDeps,
  found: FoundIncident,
  action: IncidentAction,
): Promise<Acted> {
  // The workflow has just not answered a query, so it would not answer an update either.
  if (found.source === 'projection') return await signalAnswer(deps, found, action);
  try {
    return { view: await update(deps, found.workflowId, action), pending: false };
  } catch (error) {
    if (!isUnanswered(error)) throw refusal(error);
    return await signalAnswer(deps, found, action);
  }
}

function update(deps: ActDeps, workflowId: string, action: IncidentAction): Promise<IncidentView> {
  const patience = isAnswer(action) ? ANSWER_DEADLINE_MS : UPDATE_DEADLINE_MS;
  return actOnIncident(deps.temporal, workflowId, action, patience);
}

function isAnswer(
  action: IncidentAction,
): action is Extract<IncidentAction, { type: 'acknowledge' | 'resolve' }> {
  return action.type === 'acknowledge' || action.type === 'resolve';
}

function isUnanswered(error: unknown): boolean {
  return error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || isTemporalDown(error);
}

/** The same action id as the update's, so that it counts once even if the update was taken up after all. */
async function signalAnswer(
  deps: ActDeps,
  found: FoundIncident,
  action: IncidentAction,
): Promise<Acted> {
  if (!isAnswer(action)) throw notAnswered();
  const { actionId, at, agent, channel, traceparent, origin, type } = action;
  const answer: Answer = {
    ...{ actionId, at, waitedMs: 0, agent, channel, traceparent },
    ...(origin ? { origin } : {}),
    incidentId: found.view.id,
    userId: agent.id,
    action: type,
    pageId: `api/${actionId}`,
  };
  const handle = deps.temporal.workflow.getHandle(found.workflowId);
  try {
    await deps.temporal.withDeadline(Date.now() + SIGNAL_DEADLINE_MS, () =>
      handle.signal(INCIDENT.signals.answer, answer),
    );
  } catch (error) {
    throw refusal(error);
  }
  return { view: found.view, pending: true };
}

function notAnswered(): RestError {
  return new RestError(503, 2000, 'No worker answers', {
    errors: ['The action was not recorded. Acknowledge and resolve are taken even now.'],
    headers: { 'retry-after': '5' },
  });
}

/** What the workflow refused, in PagerDuty's codes; whatever else went wrong stays what it is. */
function refusal(error: unknown): unknown {
  if (error instanceof WorkflowNotFoundError) return alreadyResolved();
  const cause = error instanceof WorkflowUpdateFailedError ? error.cause : undefined;
  if (!(cause instanceof ApplicationFailure)) return error;
  if (cause.type === ACTION_REFUSED.alreadyResolved) return alreadyResolved();
  if (cause.type === ACTION_REFUSED.alreadyAcknowledged) {
    return new RestError(400, 1002, 'Incident Already Acknowledged');
  }
  if (cause.type === ACTION_REFUSED.keyReused) return keyReused();
  return cause.type === ACTION_REFUSED.invalid ? invalidInput(cause.message) : error;
}

function alreadyResolved(): RestError {
  return new RestError(400, ALREADY_RESOLVED, 'Incident Already Resolved');
}

function isAlreadyResolved(error: unknown): boolean {
  return error instanceof RestError && error.code === ALREADY_RESOLVED;
}

function contextOf(
  deps: ActDeps,
  caller: Caller,
  incidentId: string,
  position: number,
): ActionContext {
  const retry = retryOf(caller, incidentId);
  return {
    incidentId,
    actionId: retry ? retryActionId(retry, position) : newId('A'),
    at: deps.now().toISOString(),
    waitedMs: 0,
    agent: agentOf(deps, caller.actor),
    channel: 'api',
    traceparent: caller.traceparent,
    origin: actionOrigin(deps, caller.actor),
  };
}

/** The user whose key it is or whom `From` names. */
export function agentOf({ directory }: Pick<ApiDeps, 'directory'>, actor: Actor): Agent {
  if (actor.userId === null) return { type: 'api_key', id: actor.keyId, summary: 'API key' };
  const user = directory.account(actor.accountId)?.users.get(actor.userId);
  return { type: 'user', id: actor.userId, summary: user?.name ?? actor.userId };
}
