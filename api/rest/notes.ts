import { z } from 'zod';

import { classifyDatabaseError } from '../../db/errors.ts';
import { listNotes } from '../../db/read/log-entries.ts';
import type { IncidentView, Note } from '../../domain/incident/types.ts';
import { INCIDENT_LIMITS } from '../../domain/limits.ts';
import { defineRoute, type Route } from '../route.ts';
import { act, findOr404 } from './incident-actions.ts';
import { noteJson } from './incident-json.ts';
import { freshness, jsonContext, type IncidentDeps } from './incident-part.ts';
import { idParams, ok, wrapped } from './shared/schemas.ts';

/** Notes of one answer; `offset` reaches the rest. */
const PAGE_MAX = 1000;
const REACH_MAX = 10_000;

const noteSchema = z.looseObject({ id: z.string(), content: z.string(), created_at: z.string() });
const listQuery = z.object({
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(PAGE_MAX),
  offset: z.coerce.number().int().min(0).max(REACH_MAX).default(0),
});
const listSchema = z.object({ notes: z.array(noteSchema), more: z.boolean() });
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
      summary: 'Notes of an incident, newest first; up to 1000 at once',
      query: listQuery,
      responses: { 200: ok('The notes.', listSchema) },
      handle: async ({ actor, params, query }) => {
        const { view, source, ageSeconds } = await findOr404(deps.live, actor, params.id);
        const context = jsonContext(deps, actor);
        const { items, more, incomplete } = await notesOf(deps, view, query);
        const notes = items.map((note) => noteJson(context, note));
        const headers = {
          ...freshness(source, ageSeconds),
          ...(incomplete && { 'pdlite-incomplete': 'more=true' }),
        };
        return { status: 200, body: { notes, more }, headers };
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

interface Notes {
  readonly items: readonly Note[];
  readonly more: boolean;
  /** The older ones are in PostgreSQL, which is not there. */
  readonly incomplete: boolean;
}

/**
 * The live notes, and those that had to make room for them. One query only: between two, the projection
 * may take in notes of the first, and the page would shift.
 */
async function notesOf(
  { database }: IncidentDeps,
  view: IncidentView,
  { limit, offset }: z.infer<typeof listQuery>,
): Promise<Notes> {
  const live = view.notes.toReversed();
  const items = live.slice(offset, offset + limit);
  const page = { items, more: live.length > offset + limit, incomplete: false };
  const oldest = live.at(-1);
  if (oldest === undefined || live.length < INCIDENT_LIMITS.notes || page.more) return page;
  try {
    const older = await listNotes(database, view.accountId, {
      ...{ incidentId: view.id, notAfter: oldest.createdAt, except: live.map(({ id }) => id) },
      ...{ limit: limit - items.length + 1, offset: Math.max(0, offset - live.length) },
    });
    const all = [...items, ...older];
    return { items: all.slice(0, limit), more: all.length > limit, incomplete: false };
  } catch (error) {
    if (classifyDatabaseError(error) !== 'unavailable') throw error;
    return { items, more: true, incomplete: true };
  }
}

function newestWith(view: IncidentView, content: string) {
  return view.notes.findLast((note) => note.content === content) ?? view.notes.at(-1);
}
