import { ApplicationFailure } from '@temporalio/common';

import { NO_EXECUTION, type Execution } from '../db/audit-entries.ts';
import { classifyDatabaseError, databaseReason } from '../db/errors.ts';
import { ProjectionQueue } from '../db/projection-queue.ts';
import type { Database } from '../db/database.ts';
import type { LogEntry } from '../domain/incident/types.ts';
import type { Logger } from '../platform/logger.ts';

import { infoOfTry } from './attempt.ts';
import type { CatchUp, Told } from './catch-up.ts';
import type { ProjectionActivities, ProjectionBatch } from './contract.ts';
import { PendingEntries } from './pending-entries.ts';

/** Below the activity's own limit, and below what a worker that ends leaves to what is under way. */
const WAIT_MS = 6000;
/** Whatever is refused for another reason than an outage is refused again: no hurry. */
const REFUSED_RETRY = '1 minute';
/** What has waited for longer is part of a backlog, milliseconds. */
const BACKLOG_MS = 10_000;

export interface ProjectionDeps {
  readonly database: Database;
  readonly logger: Logger;
  readonly metrics: {
    /** Seconds from a log entry's instant to its row. */
    readonly projectionLag: { observe(seconds: number): void };
    /** Log entries that wait for PostgreSQL, each with its audit record. */
    readonly auditPending?: { set(count: number): void };
  };
  readonly now?: () => Date;
  /** Absent: a backlog goes back to its workflows as fast as it can be written. */
  readonly catchUp?: CatchUp;
}

/**
 * Writes what workflows tell into PostgreSQL. Every failure is retryable: the workflow tries for ever. While
 * PostgreSQL takes no writes an attempt waits for it here, so that the few attempts which a worker runs at once
 * hold back all others in Temporal's queue, in order, and thousands of retries cost the engine nothing.
 */
export function createProjectionActivities(deps: ProjectionDeps): ProjectionActivities {
  const now = deps.now ?? (() => new Date());
  const queue = new ProjectionQueue(deps.database);
  const pending = new PendingEntries();
  return {
    async project(batch) {
      const ids = batch.entries.map(({ id }) => id);
      if (!(await deps.database.untilWritable(WAIT_MS))) {
        deps.metrics.auditPending?.set(pending.failed(ids, now().getTime()));
        throw unavailable();
      }
      const write = () => queue.write({ ...batch, by: execution() });
      const waited = ofBacklog(now());
      try {
        await (waited && deps.catchUp ? deps.catchUp.through(waited, write) : write());
        deps.metrics.auditPending?.set(pending.written(ids, now().getTime()));
      } catch (error) {
        deps.metrics.auditPending?.set(pending.failed(ids, now().getTime()));
        throw notWritten(deps.logger, batch, error);
      }
      for (const entry of batch.entries) {
        deps.metrics.projectionLag.observe(secondsBetween(entry.at, now()));
        tell(deps.logger, batch.accountId, entry);
      }
    },
  };
}

/** The workflow that called; outside of one, as in tests, nobody. */
function execution(): Execution {
  const { workflowExecution } = infoOfTry() ?? {};
  return workflowExecution ?? NO_EXECUTION;
}

/** This activity, when it has waited for long; by this machine's clock, which decides nothing but how fast it goes. */
function ofBacklog(now: Date): Told | null {
  const info = infoOfTry();
  if (!info?.workflowExecution || now.getTime() - info.scheduledTimestampMs < BACKLOG_MS)
    return null;
  return { ...info.workflowExecution, activityId: info.activityId };
}

function secondsBetween(at: string, now: Date): number {
  return Math.max(0, (now.getTime() - Date.parse(at)) / 1000);
}

/** One line for everything that happens to an incident, whoever did it; again when a write is repeated. */
function tell(logger: Logger, accountId: string, entry: LogEntry): void {
  const { id, incidentId, type, at, agent, channel } = entry;
  const action = type.replace(/_log_entry$/, '');
  const by = `${agent.type} ${agent.id}`;
  logger.info({ accountId, incidentId, action, by, via: channel, at, entryId: id }, 'incident');
}

/** A database that is away comes back. A row that it refuses is a mistake, which may be mended: not final either. */
function notWritten(logger: Logger, batch: ProjectionBatch, error: unknown): ApplicationFailure {
  const kind = classifyDatabaseError(error);
  const reason = databaseReason(error);
  const { accountId, view, entries } = batch;
  const about = { accountId, incidentId: view?.id, entries: entries.length, kind, reason };
  if (kind === 'unavailable' || kind === 'read_only' || kind === 'retry') {
    logger.debug(about, 'projection not written; it will be tried again');
    return unavailable();
  }
  logger.error(about, 'projection refused; it will be tried again each minute');
  return ApplicationFailure.create({
    message: 'The projection was refused',
    type: 'ProjectionRefused',
    nextRetryDelay: REFUSED_RETRY,
  });
}

function unavailable(): ApplicationFailure {
  return ApplicationFailure.retryable(
    'The projection could not be written',
    'ProjectionUnavailable',
  );
}
