import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import { defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common';

import { readOpenByKey } from '../../db/read/incidents.ts';
import type { AccountIndex } from '../../domain/directory.ts';
import type {
  IncidentInput,
  IncidentSettings,
  IncidentView,
  ManualTrigger,
} from '../../domain/incident/types.ts';
import { INCIDENT } from '../../domain/messages.ts';
import { settingsOf } from '../../domain/on-call.ts';
import { newId, newIncidentNumber } from '../../platform/ids.ts';
import {
  groupingHash,
  incidentWorkflowId,
  SEARCH_ATTRIBUTES,
  startOptions,
} from '../../temporal-config/names.ts';
import { readView } from '../live-incidents.ts';
import { actionOrigin } from '../origin.ts';
import { keyReused, retryOf, type Retry } from './idempotency.ts';
import { agentOf, type Caller } from './incident-actions.ts';
import type { IncidentDeps } from './incident-part.ts';
import { invalidInput } from './shared/rest-error.ts';

const START_DEADLINE_MS = 5000;

const keyword = (name: string) => defineSearchAttributeKey(name, 'KEYWORD');

/** `POST /incidents`, already checked for form. */
export interface NewIncident {
  readonly title: string;
  readonly details: string | null;
  readonly serviceId: string;
  readonly policyId: string | null;
  readonly urgency: 'high' | 'low' | null;
  readonly incidentKey: string | null;
  readonly assigneeIds: readonly string[];
}

/** `view` is null while no worker has taken the incident up; it exists all the same. */
export interface Started {
  readonly incidentId: string;
  readonly view: IncidentView | null;
}

/**
 * Starts an incident's workflow; it is durable when this answers. A request that comes again with its
 * `Idempotency-Key` is answered the incident that it has started.
 * @throws RestError 400 for what the account lacks and for the key of an incident that is open
 */
export async function startIncident(
  deps: IncidentDeps,
  caller: Caller,
  wanted: NewIncident,
): Promise<Started> {
  const index = deps.directory.account(caller.actor.accountId);
  const settings = index && settingsFor(index, wanted);
  if (!settings) throw invalidInput('Service not found');
  const incidentId = newId('Q');
  const retry = retryOf(caller, 'create');
  const key = wanted.incidentKey ?? (retry ? `retry/${retry.key}` : incidentId);
  const input: IncidentInput = {
    incidentId,
    settings,
    manual: manualTrigger(deps, caller, wanted),
  };
  const grouping = { integrationId: null, key };
  const workflowId = incidentWorkflowId(settings.accountId, wanted.serviceId, grouping);
  const run = { input, workflowId, hash: groupingHash(grouping), retry };
  const earlier = await earlierTry(deps, run);
  if (earlier) return earlier;
  if (await start(deps, run)) return await answer(deps, run);
  const beside = await earlierTry(deps, run);
  if (beside) return beside;
  const open = await readView(deps.temporal, { workflowId });
  if (open.status !== 'resolved') throw keyInUse();
  return await startAside(deps, wanted, run);
}

/** What the workflow remembers of the request that started it. */
interface StartMemo extends Retry {
  readonly incidentId: string;
}

/** The incident that an earlier try of this request has started. @throws RestError 422 for another request */
async function earlierTry(deps: IncidentDeps, run: Run): Promise<Started | undefined> {
  const { retry, workflowId, input } = run;
  if (!retry) return undefined;
  const memo = await startMemo(deps, workflowId);
  if (memo?.key !== retry.key) return undefined;
  if (memo.print !== retry.print) throw keyReused();
  const { incidentId } = memo;
  return answer(deps, { ...run, input: { ...input, incidentId } });
}

async function startMemo(deps: IncidentDeps, workflowId: string): Promise<StartMemo | undefined> {
  const handle = deps.temporal.workflow.getHandle(workflowId);
  try {
    const { memo } = await deps.temporal.withDeadline(Date.now() + START_DEADLINE_MS, () =>
      handle.describe(),
    );
    return memo?.['request'] as StartMemo | undefined;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

/** The key's workflow lingers for a resolved incident (a merge): the new one gets a workflow of its own. */
async function startAside(deps: IncidentDeps, wanted: NewIncident, run: Run): Promise<Started> {
  const { incidentId, settings } = run.input;
  const { accountId } = settings;
  const known = await readOpenByKey(deps.database, accountId, {
    serviceId: wanted.serviceId,
    incidentKey: wanted.incidentKey ?? '',
  });
  if (known) throw keyInUse();
  const grouping = { integrationId: null, key: incidentId };
  const workflowId = incidentWorkflowId(accountId, wanted.serviceId, grouping);
  await start(deps, { ...run, workflowId });
  return await answer(deps, { ...run, workflowId });
}

function keyInUse() {
  return invalidInput('Open incident with matching dedup key already exists on this service');
}

interface Run {
  readonly input: IncidentInput;
  readonly workflowId: string;
  readonly hash: string;
  readonly retry: Retry | undefined;
}

/** False when a workflow with this id is running already. */
async function start(deps: IncidentDeps, run: Run): Promise<boolean> {
  const { input, workflowId, hash, retry } = run;
  const { settings, incidentId, manual } = input;
  const typedSearchAttributes: SearchAttributePair[] = [
    { key: keyword(SEARCH_ATTRIBUTES.account), value: settings.accountId },
    { key: keyword(SEARCH_ATTRIBUTES.service), value: settings.service.id },
    { key: keyword(SEARCH_ATTRIBUTES.status), value: 'triggered' },
    { key: keyword(SEARCH_ATTRIBUTES.urgency), value: manual?.urgency ?? 'high' },
    { key: keyword(SEARCH_ATTRIBUTES.dedupKey), value: hash },
    { key: keyword(SEARCH_ATTRIBUTES.incident), value: incidentId },
  ];
  try {
    await deps.temporal.withDeadline(Date.now() + START_DEADLINE_MS, () =>
      deps.temporal.workflow.start(INCIDENT.workflow, {
        ...startOptions(settings.accountId),
        workflowId,
        args: [input],
        typedSearchAttributes,
        ...(retry && { memo: { request: { ...retry, incidentId } satisfies StartMemo } }),
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

async function answer(deps: IncidentDeps, { input, workflowId }: Run): Promise<Started> {
  const { incidentId, settings } = input;
  deps.live.remember(settings.accountId, incidentId, workflowId);
  try {
    return { incidentId, view: await readView(deps.temporal, { workflowId }) };
  } catch {
    return { incidentId, view: null };
  }
}

function settingsFor(index: AccountIndex, wanted: NewIncident): IncidentSettings | undefined {
  const settings = settingsOf(index, wanted.serviceId);
  if (!settings) return undefined;
  if (index.services.get(wanted.serviceId)?.status === 'disabled') {
    throw invalidInput('Service is disabled');
  }
  const unknown = wanted.assigneeIds.filter((id) => !index.users.has(id));
  if (unknown.length > 0) throw invalidInput(...unknown.map((id) => `Assignee ${id} not found`));
  if (wanted.policyId === null) return settings;
  const policy = index.policies.get(wanted.policyId);
  if (!policy) throw invalidInput('Escalation policy not found');
  return { ...settings, policy };
}

function manualTrigger(deps: IncidentDeps, caller: Caller, wanted: NewIncident): ManualTrigger {
  const { title, details, urgency, incidentKey, assigneeIds } = wanted;
  return {
    at: deps.now().toISOString(),
    waitedMs: 0,
    ...{ title, details, urgency, incidentKey, assigneeIds },
    agent: agentOf(deps, caller.actor),
    incidentNumber: newIncidentNumber(),
    traceparent: caller.traceparent,
    origin: actionOrigin(deps, caller.actor),
  };
}
