import type { Client } from '@temporalio/client';

import type { ProjectionBatch } from '../activities/contract.ts';
import type { Database } from '../db/database.ts';
import { classifyDatabaseError, databaseReason } from '../db/errors.ts';
import { writeProjections } from '../db/projection.ts';
import { INCIDENT, RESPONDER } from '../domain/messages.ts';
import type { Logger } from '../platform/logger.ts';
import { withDeadline } from '../temporal-config/client.ts';
import { projectCalls, type Run } from './project-calls.ts';
import type { RebuildProgress, RebuildState } from './rebuild-progress.ts';

const RUNS_AT_ONCE = 4;
/** Calls that go into one transaction. */
const TOGETHER = 25;
const WINDOW_MS = 6 * 3_600_000;
const DAY_MS = 86_400_000;
/** Where Temporal does not tell how long it keeps what has ended. */
const RETENTION_DAYS = 90;
const DESCRIBE_LIMIT_MS = 5000;
/** An outage of PostgreSQL is waited for as often, and each time as long. */
const TRIES = 5;
const OUTAGE_MS = 30_000;
/** Visibility is behind by less. */
const SETTLE_MS = 5000;

export interface RebuildDeps {
  readonly client: Client;
  readonly database: Database;
  readonly progress: RebuildProgress;
  readonly logger: Logger;
  /** Told after each stretch of time, and at the end. */
  readonly onProgress: (state: RebuildState) => void;
  readonly signal: AbortSignal;
}

/**
 * Writes the projections of one account, or of all, anew from the workflows' histories: what has ended within
 * Temporal's retention, oldest first, and what runs. A row that is there is overwritten unless it is newer; rows of
 * what Temporal has forgotten stay. It can be repeated, and goes on where one was interrupted.
 * @returns null when the signal stopped it.
 * @throws whatever Temporal or PostgreSQL answered when they could not be asked; what is done is noted.
 */
export async function rebuildProjections(
  deps: RebuildDeps,
  accountId: string | null,
): Promise<RebuildState | null> {
  const startedAt = Date.now();
  let state = (await deps.progress.load()) ?? (await beginning(deps.client, startedAt));
  const scope = scopeOf(accountId);
  for (let from = Date.parse(state.doneUntil); from < startedAt;) {
    const until = Math.min(from + WINDOW_MS, startedAt);
    state = await rebuildRuns(deps, `${scope} AND ${ended(from, until)}`, state);
    if (deps.signal.aborted) return null;
    state = { ...state, doneUntil: iso(until) };
    await deps.progress.save(state);
    deps.onProgress(state);
    from = until;
  }
  state = await rebuildRuns(deps, `${scope} AND ExecutionStatus = "Running"`, state);
  // Those that were running when the last stretch was read, and were not any more when the running ones were.
  const sinceStart = ended(startedAt - SETTLE_MS, Date.now() + DAY_MS);
  state = await rebuildRuns(deps, `${scope} AND ${sinceStart}`, state);
  if (deps.signal.aborted) return null;
  await deps.progress.clear();
  return state;
}

async function beginning(client: Client, now: number): Promise<RebuildState> {
  const from = iso(now - ((await retentionDays(client)) + 1) * DAY_MS);
  return { from, doneUntil: from, runs: 0, entries: 0, refused: 0 };
}

async function retentionDays(client: Client): Promise<number> {
  const { namespace } = client.options;
  try {
    const { config } = await withDeadline(client, DESCRIBE_LIMIT_MS, () =>
      client.connection.workflowService.describeNamespace({ namespace }),
    );
    const seconds = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0);
    return seconds > 0 ? seconds / 86_400 : RETENTION_DAYS;
  } catch {
    return RETENTION_DAYS;
  }
}

/** Both kinds of workflow that tell the projections something. */
function scopeOf(accountId: string | null): string {
  const types = [INCIDENT.workflow, RESPONDER.workflow];
  const one = (type: string): string =>
    accountId === null
      ? `WorkflowType = "${type}"`
      : `(WorkflowType = "${type}" AND WorkflowId STARTS_WITH "${type}/${accountId}/")`;
  return `(${types.map(one).join(' OR ')})`;
}

function ended(from: number, until: number): string {
  return `CloseTime >= "${iso(from)}" AND CloseTime < "${iso(until)}"`;
}

/** All runs that the query finds, a few at a time. */
async function rebuildRuns(
  deps: RebuildDeps,
  query: string,
  before: RebuildState,
): Promise<RebuildState> {
  let state = before;
  const found = deps.client.workflow.list({ query })[Symbol.asyncIterator]();
  const work = async (): Promise<void> => {
    for (;;) {
      const next = await found.next();
      if (next.done === true || deps.signal.aborted) return;
      const { entries, refused } = await rebuildRun(deps, next.value);
      state = {
        ...state,
        runs: state.runs + 1,
        entries: state.entries + entries,
        refused: state.refused + refused,
      };
    }
  };
  await Promise.all(Array.from({ length: RUNS_AT_ONCE }, work));
  return state;
}

async function rebuildRun(deps: RebuildDeps, run: Run) {
  let entries = 0;
  let refused = 0;
  for await (const page of projectCalls(deps.client, run)) {
    for (let from = 0; from < page.length; from += TOGETHER) {
      const batches = page.slice(from, from + TOGETHER);
      const written = await write(deps, run, batches);
      const count = batches.reduce((sum, batch) => sum + batch.entries.length, 0);
      if (written) entries += count;
      else refused += count;
    }
  }
  return { entries, refused };
}

/** False for what PostgreSQL refuses for good, as of an account that was removed. An outage is waited for. */
async function write(
  deps: RebuildDeps,
  { workflowId, runId }: Run,
  batches: readonly ProjectionBatch[],
): Promise<boolean> {
  const by = { workflowId, runId };
  const [{ accountId } = { accountId: '' }] = batches;
  const projections = batches.map((batch) => ({ ...batch, by }));
  for (let tries = 1; ; tries += 1) {
    try {
      await writeProjections(deps.database, accountId, projections, { replace: true });
      return true;
    } catch (error) {
      const kind = classifyDatabaseError(error);
      if (kind === 'invalid' || kind === 'conflict') {
        deps.logger.warn({ ...by, reason: databaseReason(error) }, 'a projection is refused');
        return false;
      }
      if (kind === 'other' || tries === TRIES || deps.signal.aborted) throw error;
      await deps.database.untilWritable(OUTAGE_MS);
    }
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
