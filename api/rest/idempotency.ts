import { createHash } from 'node:crypto';

import { WorkflowUpdateFailedError, type Client } from '@temporalio/client';

import type { IncidentView } from '../../domain/incident/types.ts';
import type { ActionMemory } from '../../domain/incident/validate.ts';
import { INCIDENT } from '../../domain/messages.ts';
import { readWorkflow } from '../../temporal-config/read-workflow.ts';
import { REST_ERRORS } from '../problems.ts';
import type { Caller } from './incident-actions.ts';
import { invalidInput, RestError } from './shared/rest-error.ts';

const KEY_MAX = 255;
const RECALL_DEADLINE_MS = 1000;

/** A request with an `Idempotency-Key`, the same for each of its tries. */
export interface Retry {
  /** Of the caller's key within `scope`. */
  readonly key: string;
  /** Of the whole request: another one with the same key is refused. */
  readonly print: string;
}

/**
 * Undefined without an `Idempotency-Key`. Keys of different api keys and scopes (an incident, say) are different.
 * Follows draft-ietf-httpapi-idempotency-key-header.
 * @throws RestError 400 for one longer than 255 characters.
 */
export function retryOf({ actor, request }: Caller, scope: string): Retry | undefined {
  const key = request.get('idempotency-key') ?? '';
  if (key === '') return undefined;
  if (key.length > KEY_MAX) throw invalidInput(`Idempotency-Key: at most ${KEY_MAX} characters`);
  const body: unknown = request.body;
  const sent = Buffer.isBuffer(body) ? body : '';
  return {
    key: hash(24, actor.keyId, key, scope),
    print: hash(12, request.method, request.originalUrl, sent),
  };
}

/** The id of an action of such a request: domain/incident/validate.ts reads it. */
export function retryActionId({ key, print }: Retry, position: number): string {
  return `R${key}-${print}-${position}`;
}

function hash(digits: number, ...parts: readonly (string | Buffer)[]): string {
  const whole = createHash('sha256');
  for (const part of parts) whole.update(part).update('\n');
  return whole.digest('hex').slice(0, digits).toUpperCase();
}

/** 422, as the draft has it for a key that comes with another request. */
export function keyReused(): RestError {
  const { status, code, message } = REST_ERRORS.idempotencyKeyReused;
  return new RestError(status, code, message, {
    errors: ['The Idempotency-Key belongs to another request.'],
  });
}

/**
 * The answer to an action that was taken before, from the workflow's history, even when it is over; `last` when
 * it was taken without an answer. Undefined when it was never taken, or nobody can tell.
 * @throws RestError 422
 */
export async function firstAnswer(
  temporal: Client,
  last: IncidentView,
  actionId: string,
): Promise<IncidentView | undefined> {
  const handle = temporal.workflow.getHandle(last.workflowId, last.runId);
  const soon = <T>(call: () => Promise<T>) =>
    temporal.withDeadline(Date.now() + RECALL_DEADLINE_MS, call);
  try {
    return await soon(() => handle.getUpdateHandle<IncidentView>(actionId).result());
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError) return undefined;
  }
  const ask = () => readWorkflow<ActionMemory>(handle, INCIDENT.queries.known, actionId);
  const memory = await soon(ask).catch(() => 'new' as const);
  if (memory === 'key_reused') throw keyReused();
  return memory === 'repeated' ? last : undefined;
}
