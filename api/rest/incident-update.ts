import { z } from 'zod';

import type { AccountIndex } from '../../domain/directory.ts';
import type { ActionBody } from './incident-actions.ts';
import { invalidInput } from './shared/rest-error.ts';
import { referenceInput } from './shared/schemas.ts';

/** `assignments` of a request. */
export const assignmentsInput = z
  .array(z.object({ assignee: referenceInput }))
  .min(1)
  .max(50);

/** What `PUT /incidents/{id}` can change; priority and conference bridge are taken and left alone. */
export const updateFields = {
  status: z.enum(['acknowledged', 'resolved', 'triggered']).optional(),
  resolution: z.string().max(10_000).nullish(),
  title: z.string().trim().min(1).max(1024).optional(),
  urgency: z.enum(['high', 'low']).optional(),
  escalation_level: z.int().min(1).max(100).optional(),
  assignments: assignmentsInput.optional(),
  escalation_policy: referenceInput.optional(),
};

export type IncidentUpdate = z.infer<z.ZodObject<typeof updateFields>>;

/**
 * The actions that make the wanted change, in the order in which they happen: status last.
 * @throws RestError 400 for what the account lacks, and for contradictions
 */
export function actionsOf(index: AccountIndex, update: IncidentUpdate): readonly ActionBody[] {
  if (update.assignments && update.escalation_policy) {
    throw invalidInput('Assignments and escalation policy cannot both be given');
  }
  const actions: ActionBody[] = [];
  if (update.title !== undefined) actions.push({ type: 'set_title', title: update.title });
  if (update.urgency !== undefined) actions.push({ type: 'set_urgency', urgency: update.urgency });
  if (update.escalation_policy) actions.push(policyAction(index, update.escalation_policy.id));
  if (update.assignments) actions.push(assignAction(index, update.assignments));
  if (update.escalation_level !== undefined) {
    actions.push({ type: 'escalate', ruleIndex: update.escalation_level - 1 });
  }
  return [...actions, ...statusActions(update)];
}

function statusActions({ status, resolution }: IncidentUpdate): readonly ActionBody[] {
  if (status === 'acknowledged') return [{ type: 'acknowledge' }];
  if (status === 'resolved') return [{ type: 'resolve', resolution: resolution ?? null }];
  if (status === 'triggered') throw invalidInput('status: an incident cannot be triggered again');
  return [];
}

function policyAction(index: AccountIndex, id: string): ActionBody {
  const policy = index.policies.get(id);
  if (!policy) throw invalidInput('Escalation policy not found');
  return { type: 'reassign_policy', policy };
}

function assignAction(
  index: AccountIndex,
  assignments: z.infer<typeof assignmentsInput>,
): ActionBody {
  const userIds = [...new Set(assignments.map(({ assignee }) => assignee.id))];
  const unknown = userIds.filter((id) => !index.users.has(id));
  if (unknown.length > 0) throw invalidInput(...unknown.map((id) => `Assignee ${id} not found`));
  return { type: 'reassign', userIds };
}
