import { ServiceError, WorkflowNotFoundError, type Client } from '@temporalio/client';

import type { Database } from '../db/database.ts';
import { classifyDatabaseError } from '../db/errors.ts';
import { readIncident, type ProjectedIncident } from '../db/read/incidents.ts';
import type { IncidentView } from '../domain/incident/types.ts';
import { INCIDENT } from '../domain/messages.ts';
import { SEARCH_ATTRIBUTES } from '../temporal-config/names.ts';
import { readWorkflow } from '../temporal-config/read-workflow.ts';

/** A worker that is there answers a read in milliseconds; a person does not wait longer for one that is not. */
const READ_DEADLINE_MS = 1000;
/** Visibility is behind by up to 400 ms. */
const VISIBILITY_WAITS_MS = [0, 150, 350];
const VISIBILITY_DEADLINE_MS = 1000;
/** Workflow ids remembered; the one not used for longest is forgotten. */
const REMEMBERED = 10_000;
/** Incidents of a live list; the answer says when there are more. */
export const LIVE_LIST_MAX = 100;
const LIVE_LIST_AT_ONCE = 10;
/** Where no worker runs, every read takes its whole deadline: the later ones are not begun. */
const LIVE_LIST_LIMIT_MS = 3000;

/** An incident, and where the answer comes from. */
export interface FoundIncident {
  readonly view: IncidentView;
  /** `workflow`: as it is now. `projection`: as it was when the row was written, unless it is resolved. */
  readonly source: 'workflow' | 'projection';
  readonly workflowId: string;
  /** Seconds since the row was written; 0 from the workflow and for what no longer changes. */
  readonly ageSeconds: number;
}

export interface LiveList {
  readonly views: readonly IncidentView[];
  /** There are more open incidents than `LIVE_LIST_MAX`. */
  readonly more: boolean;
  /** Incidents whose workflow did not answer in time. */
  readonly unanswered: number;
}

export interface LiveIncidents {
  /**
   * One incident of this account, live when its workflow answers; undefined when there is none.
   * @throws what PostgreSQL or Temporal threw when neither can tell whether there is one.
   */
  find(accountId: string, incidentId: string): Promise<FoundIncident | undefined>;
  /** Open incidents, newest first, without PostgreSQL. @throws when Temporal is not reachable. */
  listOpen(accountId: string): Promise<LiveList>;
  /** Remembers where a new incident runs, because visibility and projection come later. */
  remember(accountId: string, incidentId: string, workflowId: string): void;
}

export interface LiveDeps {
  readonly database: Database;
  readonly temporal: Client;
  readonly now: () => Date;
}

type Row =
  | { readonly known: true; readonly incident: ProjectedIncident | undefined }
  | { readonly known: false; readonly error: unknown };

export function createLiveIncidents(deps: LiveDeps): LiveIncidents {
  const places = new Map<string, string>();

  function remember(accountId: string, incidentId: string, workflowId: string): void {
    const key = `${accountId}/${incidentId}`;
    places.delete(key);
    places.set(key, workflowId);
    const oldest = places.keys().next();
    if (places.size > REMEMBERED && !oldest.done) places.delete(oldest.value);
  }

  async function place(accountId: string, incidentId: string): Promise<string | undefined> {
    const known = places.get(`${accountId}/${incidentId}`);
    const found = known ?? (await findWorkflow(deps.temporal, accountId, incidentId));
    if (found !== undefined) remember(accountId, incidentId, found);
    return found;
  }

  return {
    remember,
    async find(accountId, incidentId) {
      if (!isIncidentId(incidentId)) return undefined;
      const row = await readRow(deps.database, accountId, incidentId);
      const projected = row.known ? row.incident : undefined;
      if (projected?.view.status === 'resolved') return fromRow(projected, 0);
      if (projected) return await refresh(deps, projected);
      const workflowId = await place(accountId, incidentId);
      const view = workflowId === undefined ? null : await viewOrNull(deps.temporal, workflowId);
      if (view?.id === incidentId && view.accountId === accountId) return fromWorkflow(view);
      // Not found among the living, and PostgreSQL, which knows the others, cannot be asked.
      if (!row.known) throw row.error;
      return undefined;
    },
    listOpen: (accountId) => listOpen(deps.temporal, accountId),
  };
}

/** Ids are ours; whatever else a caller writes never reaches a visibility query. */
function isIncidentId(text: string): boolean {
  return /^[A-Za-z0-9-]{1,64}$/.test(text);
}

async function readRow(database: Database, accountId: string, incidentId: string): Promise<Row> {
  try {
    return { known: true, incident: await readIncident(database, accountId, incidentId) };
  } catch (error) {
    if (classifyDatabaseError(error) !== 'unavailable') throw error;
    return { known: false, error };
  }
}

/** The live view of a projected open incident; the row where no worker or no engine answers. */
async function refresh(deps: LiveDeps, projected: ProjectedIncident): Promise<FoundIncident> {
  const { id, workflowId, runId } = projected.view;
  const age = Math.max(0, (deps.now().getTime() - Date.parse(projected.projectedAt)) / 1000);
  try {
    const current = await readView(deps.temporal, { workflowId });
    if (current.id === id) return fromWorkflow(current);
    // The workflow went on to another incident of its key; this one's last run still tells its end.
    const last = await readView(deps.temporal, { workflowId, runId });
    return last.id === id ? fromWorkflow(last) : fromRow(projected, age);
  } catch {
    return fromRow(projected, age);
  }
}

function fromWorkflow(view: IncidentView): FoundIncident {
  return { view, source: 'workflow', workflowId: view.workflowId, ageSeconds: 0 };
}

function fromRow({ view }: ProjectedIncident, ageSeconds: number): FoundIncident {
  return { view, source: 'projection', workflowId: view.workflowId, ageSeconds };
}

/**
 * The view as the workflow tells it, within 1 s.
 * @throws WorkflowNotFoundError when it is gone, ServiceError when no worker or no engine answers.
 */
export async function readView(
  temporal: Client,
  at: { readonly workflowId: string; readonly runId?: string },
): Promise<IncidentView> {
  const handle = temporal.workflow.getHandle(at.workflowId, at.runId);
  try {
    return await temporal.withDeadline(Date.now() + READ_DEADLINE_MS, () =>
      readWorkflow<IncidentView>(handle, INCIDENT.queries.view),
    );
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw error;
    throw new ServiceError('The workflow does not answer');
  }
}

async function findWorkflow(
  temporal: Client,
  accountId: string,
  incidentId: string,
): Promise<string | undefined> {
  const query = [
    `${SEARCH_ATTRIBUTES.account} = "${accountId}"`,
    `${SEARCH_ATTRIBUTES.incident} = "${incidentId}"`,
  ].join(' AND ');
  const deadline = Date.now() + VISIBILITY_DEADLINE_MS;
  return temporal.withDeadline(deadline, async () => {
    for (const waitMs of VISIBILITY_WAITS_MS) {
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      for await (const info of temporal.workflow.list({ query, pageSize: 1 })) {
        return info.workflowId;
      }
    }
    return undefined;
  });
}

async function listOpen(temporal: Client, accountId: string): Promise<LiveList> {
  const ids = await runningIncidents(temporal, accountId);
  const views: IncidentView[] = [];
  let unanswered = 0;
  const until = performance.now() + LIVE_LIST_LIMIT_MS;
  const queue = ids.slice(0, LIVE_LIST_MAX);
  const drain = async () => {
    for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
      try {
        if (performance.now() > until) throw new ServiceError('There was no time to ask');
        const view = await viewOrNull(temporal, id);
        if (view?.accountId === accountId && view.status !== 'resolved') views.push(view);
      } catch {
        unanswered += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: LIVE_LIST_AT_ONCE }, drain));
  views.sort((a, b) => b.createdAt.localeCompare(a.createdAt) || a.id.localeCompare(b.id));
  return { views, more: ids.length > LIVE_LIST_MAX, unanswered };
}

async function runningIncidents(temporal: Client, accountId: string): Promise<readonly string[]> {
  const query = [
    `WorkflowType = "${INCIDENT.workflow}"`,
    'ExecutionStatus = "Running"',
    `${SEARCH_ATTRIBUTES.account} = "${accountId}"`,
  ].join(' AND ');
  const ids: string[] = [];
  await temporal.withDeadline(Date.now() + 2 * VISIBILITY_DEADLINE_MS, async () => {
    for await (const info of temporal.workflow.list({ query, pageSize: LIVE_LIST_MAX + 1 })) {
      ids.push(info.workflowId);
      if (ids.length > LIVE_LIST_MAX) break;
    }
  });
  return ids;
}

/** Null: its workflow is over by now. */
async function viewOrNull(temporal: Client, workflowId: string): Promise<IncidentView | null> {
  try {
    return await readView(temporal, { workflowId });
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}
