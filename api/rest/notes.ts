import { z } from 'zod';

import type { IncidentView } from '../../domain/incident/types.ts';
import { defineRoute, type Route } from '../route.ts';
import { act, findOr404 } from './incident-actions.ts';
import { noteJson } from './incident-json.ts';
import { freshness, jsonContext, type IncidentDeps } from './incident-part.ts';
import { idParams, ok, wrapped } from './shared/schemas.ts';

const noteSchema = z.looseObject({ id: z.string(), content: z.string(), created_at: z.string() });
const createBody = z.object({ note: z.object({ content: z.string().min(1).max(10_000) }) });
const common = { tag: 'Incidents', path: '/incidents/{id}/notes', params: idParams } as const;

/** Notes of an incident. */
export function createNoteRoutes(deps: IncidentDeps): readonly Route[] {
  return [
    defineRoute({
      ...common,
      method: 'get',
      permission: 'incidents:read',
      operationId: 'listIncidentNotes',
      summary: 'Notes of an incident, newest first',
      responses: { 200: ok('The notes.', z.object({ notes: z.array(noteSchema) })) },
      handle: async ({ actor, params }) => {
        const { view, source, ageSeconds } = await findOr404(deps.live, actor, params.id);
        const context = jsonContext(deps, actor);
        const notes = view.notes.map((note) => noteJson(context, note)).toReversed();
        return { status: 200, body: { notes }, headers: freshness(source, ageSeconds) };
      },
    }),
    defineRoute({
      ...common,
      method: 'post',
      permission: 'incidents:write',
      operationId: 'createIncidentNote',
      summary: 'Add a note to an incident',
      body: createBody,
      responses: { 200: ok('The note.', wrapped('note', noteSchema)) },
      handle: async (input) => {
        const { content } = input.body.note;
        const { view } = await act(deps, input, input.params.id, [{ type: 'note', content }]);
        const note = newestWith(view, content);
        return {
          status: 200,
          body: { note: note && noteJson(jsonContext(deps, input.actor), note) },
        };
      },
    }),
  ];
}

function newestWith(view: IncidentView, content: string) {
  return view.notes.findLast((note) => note.content === content) ?? view.notes.at(-1);
}
