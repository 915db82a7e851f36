import { z } from 'zod';

import type { TargetRef } from '../../domain/model.ts';
import { defineRoute, type Route } from '../route.ts';
import { act } from './incident-actions.ts';
import { incidentJson, responderRequestJson } from './incident-json.ts';
import type { JsonContext } from './incident-references.ts';
import { incidentSchema, jsonContext, type IncidentDeps } from './incident-part.ts';
import { invalidInput } from './shared/rest-error.ts';
import { idParams, idSchema, ok, wrapped } from './shared/schemas.ts';

const TARGETS_MAX = 50;

const targetInput = z.object({
  id: idSchema,
  type: z.enum(['user_reference', 'user', 'escalation_policy_reference', 'escalation_policy']),
});
const createBody = z.object({
  requester_id: idSchema,
  message: z.string().max(1024),
  responder_request_targets: z
    .array(z.union([targetInput, z.object({ responder_request_target: targetInput })]))
    .min(1)
    .max(TARGETS_MAX),
});
const replyBody = z.object({ reply: z.enum(['joined', 'declined']) });
const requestSchema = z.looseObject({ id: z.string(), message: z.string() });
const common = {
  tag: 'Incidents',
  permission: 'incidents:write',
  path: '/incidents/{id}/responder_requests',
  params: idParams,
} as const;

/** Asking others to help with an incident, and their answer. */
export function createResponderRequestRoutes(deps: IncidentDeps): readonly Route[] {
  return [
    defineRoute({
      ...common,
      method: 'post',
      operationId: 'createIncidentResponderRequest',
      fromOptional: true,
      summary: 'Ask users to respond to an incident',
      body: createBody,
      responses: { 200: ok('The request.', wrapped('responder_request', requestSchema)) },
      handle: async (input) => {
        const { body } = input;
        const context = jsonContext(deps, input.actor);
        const targets = targetsOf(context, body.responder_request_targets);
        if (!context.index.users.has(body.requester_id)) throw invalidInput('Requester not found');
        const { requester_id: requesterId, message } = body;
        const action = { type: 'request_responders', requesterId, message, targets } as const;
        const { actor, request: received, requestId, traceparent } = input;
        const requester = { ...actor, userId: actor.userId ?? requesterId };
        const caller = { actor: requester, request: received, requestId, traceparent };
        const { view } = await act(deps, caller, input.params.id, [action]);
        const request = view.responderRequests.at(-1);
        const json = request && responderRequestJson(context, view, request);
        return { status: 200, body: { responder_request: json } };
      },
    }),
    defineRoute({
      ...common,
      method: 'put',
      operationId: 'replyToIncidentResponderRequest',
      summary: 'Join or decline (PD Lite’s own; the user whose key it is, or `From`)',
      body: replyBody,
      responses: { 200: ok('The incident.', wrapped('incident', incidentSchema)) },
      handle: async (input) => {
        const userId = input.actor.userId;
        if (userId === null) throw invalidInput('A reply is always a user’s.');
        const { reply } = input.body;
        const action = { type: 'responder_reply', userId, reply } as const;
        const { view } = await act(deps, input, input.params.id, [action]);
        return {
          status: 200,
          body: { incident: incidentJson(jsonContext(deps, input.actor), view) },
        };
      },
    }),
  ];
}

type TargetInput = z.infer<typeof createBody>['responder_request_targets'][number];

/** A policy stands for the targets of its first rule. @throws RestError 400 for one that the account lacks */
function targetsOf({ index }: JsonContext, inputs: readonly TargetInput[]): readonly TargetRef[] {
  const targets = inputs.flatMap((input): readonly TargetRef[] => {
    const { id, type } = 'id' in input ? input : input.responder_request_target;
    if (type.startsWith('user')) {
      if (index.users.has(id)) return [{ type: 'user', id }];
      throw invalidInput(`Responder request target ${id} not found`);
    }
    const rule = index.policies.get(id)?.rules[0];
    if (rule) return rule.targets;
    throw invalidInput(`Responder request target ${id} not found`);
  });
  return targets.slice(0, TARGETS_MAX);
}
