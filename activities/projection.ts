import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';

import { NO_EXECUTION, type Execution } from '../db/audit-entries.ts';
import { databaseReason } from '../db/errors.ts';
import { ProjectionQueue } from '../db/projection-queue.ts';
import type { Database } from '../db/database.ts';
import type { LogEntry } from '../domain/incident/types.ts';
import type { Logger } from '../platform/logger.ts';

import type { ProjectionActivities, ProjectionBatch } from './contract.ts';

export interface ProjectionDeps {
  readonly database: Database;
  readonly logger: Logger;
  readonly metrics: {
    /** Seconds from a log entry's instant to its row. */
    readonly projectionLag: { observe(seconds: number): void };
  };
  readonly now?: () => Date;
}

/** Writes what workflows tell into PostgreSQL. Every failure is retryable: the workflow tries for ever. */
export function createProjectionActivities(deps: ProjectionDeps): ProjectionActivities {
  const now = deps.now ?? (() => new Date());
  const queue = new ProjectionQueue(deps.database);
  return {
    async project(batch) {
      try {
        await queue.write({ ...batch, by: execution() });
      } catch (error) {
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
  try {
    const { workflowExecution } = Context.current().info;
    const { workflowId = null, runId = null } = workflowExecution ?? {};
    return { workflowId, runId };
  } catch {
    return NO_EXECUTION;
  }
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

/** A read-only or absent database, or a row that it refuses today: all may be mended, none is final. */
function notWritten(logger: Logger, batch: ProjectionBatch, error: unknown): ApplicationFailure {
  const reason = databaseReason(error);
  logger.warn(
    {
      accountId: batch.accountId,
      incidentId: batch.view?.id,
      entries: batch.entries.length,
      reason,
    },
    'projection not written; it will be tried again',
  );
  return ApplicationFailure.retryable(
    'The projection could not be written',
    'ProjectionUnavailable',
  );
}
