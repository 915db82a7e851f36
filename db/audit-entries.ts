import { producerOf } from '../domain/audit/producers.ts';
import type { LogEntry } from '../domain/incident/types.ts';
import { parseTraceparent } from '../platform/tracing.ts';
import { bounded, type NewAuditRecord } from './audit-records.ts';

/** The workflow, and its run, that tells what happened. */
export interface Execution {
  readonly workflowId: string | null;
  readonly runId: string | null;
}

export const NO_EXECUTION: Execution = { workflowId: null, runId: null };

/** Shorter names would be found inside other words. */
const NAME_CHARS = 3;

/**
 * The audit record of a log entry: the same one each time, by its id. People are told by their ids, in the sentence
 * too, so that the record can stay when a person's data must go.
 */
export function auditOfEntry(entry: LogEntry, { workflowId, runId }: Execution): NewAuditRecord {
  const { agent, origin } = entry;
  const dropped = entry.details['droppedBefore'];
  return bounded({
    id: `L${entry.id}`,
    occurred_at: entry.at,
    ...(origin?.onBehalf
      ? { actor_type: 'api_key', actor_id: origin.keyId, on_behalf_of: agent.id }
      : { actor_type: agent.type, actor_id: agent.id }),
    credential_id: origin?.keyId ?? null,
    action: entry.type === 'trigger_log_entry' ? 'create' : 'update',
    operation: entry.type,
    object_id: entry.incidentId,
    outcome: 'success',
    reason: withoutName(entry.reason, agent),
    changes: typeof dropped === 'number' ? JSON.stringify({ dropped_before: dropped }) : null,
    source: origin?.source ?? entry.channel,
    request_id: origin?.requestId ?? null,
    trace_id: parseTraceparent(entry.traceparent)?.traceId ?? null,
    ...{ workflow_id: workflowId, run_id: runId },
    ...{ producer: producerOf(entry), producer_seq: entry.seq },
  });
}

function withoutName(reason: string, { type, id, summary }: LogEntry['agent']): string {
  return type !== 'user' || summary.length < NAME_CHARS ? reason : reason.replaceAll(summary, id);
}
