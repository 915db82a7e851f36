import type { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';

import type { AccountIndex, Directory } from '../domain/directory.ts';
import { pageIdOf } from '../domain/incident/page-id.ts';
import type { IncidentView, PageResult } from '../domain/incident/types.ts';
import { RESPONDER } from '../domain/messages.ts';
import type { User } from '../domain/model.ts';
import { resolveTargets, settingsOf, stepsFor } from '../domain/on-call.ts';
import type { Page, ResponderInput, StopPages } from '../domain/responder/types.ts';
import type { Logger } from '../platform/logger.ts';
import { responderWorkflowId, startOptions } from '../temporal-config/names.ts';
import { refuseIfOver, timeOfTry } from './attempt.ts';
import type { PageRequest, PagingActivities, StopRequest } from './contract.ts';
import { deliverSignal } from './signal.ts';

/** One call to Temporal. The client ends up to 1.6 s late, and the workflow gives a try 3 s. */
const DEADLINE_MS = 1500;

export interface PagingDeps {
  readonly directory: Directory;
  readonly client: Client;
  readonly logger: Logger;
  /** This machine's clock: only for what a workflow asked for without telling the time. */
  readonly now?: () => Date;
}

/** Finds people in the directory alone and signals their workflows; all may be tried again. */
export function createPagingActivities(deps: PagingDeps): PagingActivities {
  const now = deps.now ?? (() => new Date());
  const timeOf = ({ at }: { readonly at?: string }) => timeOfTry() ?? at ?? now().toISOString();
  return {
    page: async (request) => {
      await refuseIfOver(deps.client, now().getTime());
      return page(deps, request, timeOf(request));
    },
    stopPages: (request) => stopPages(deps, request, timeOf(request)),
    loadSettings: (accountId, serviceId) =>
      Promise.resolve().then(() => {
        const settings = settingsOf(accountOf(deps.directory, accountId), serviceId);
        if (settings) return settings;
        throw ApplicationFailure.nonRetryable(`no service ${serviceId}`, 'ConfigMissing');
      }),
  };
}

async function page(deps: PagingDeps, request: PageRequest, at: string): Promise<PageResult> {
  const { command, view } = request;
  const index = accountOf(deps.directory, view.accountId);
  const resolution = resolveTargets(index, command.targets, at, view.urgency);
  const users = resolution.userIds.flatMap((id) => index.users.get(id) ?? []);
  const unsignalled = await signalAll(deps, users, { index, request, at });
  if (resolution.via !== 'policy') {
    deps.logger.warn(
      { accountId: view.accountId, incidentId: view.id, via: resolution.via },
      'the policy led to nobody who can be paged',
    );
  }
  const { commandId, ruleIndex } = command;
  return {
    commandId,
    at,
    ruleIndex,
    ...resolution,
    ...(unsignalled.length > 0 && { unsignalled }),
  };
}

/**
 * The ids of those whose workflow did not take the page in time.
 * @throws the first failure when nobody's did.
 */
async function signalAll(
  deps: PagingDeps,
  users: readonly User[],
  of: Omit<PageOfUser, 'user'>,
): Promise<readonly string[]> {
  const outcomes = await Promise.allSettled(users.map((user) => pageUser(deps, { ...of, user })));
  const failures = outcomes.filter((outcome) => outcome.status === 'rejected');
  const [first] = failures;
  if (first && failures.length === outcomes.length) throw first.reason;
  return users.filter((_, index) => outcomes[index]?.status === 'rejected').map(({ id }) => id);
}

interface PageOfUser {
  readonly index: AccountIndex;
  readonly user: User;
  readonly request: PageRequest;
  readonly at: string;
}

async function pageUser(deps: PagingDeps, of: PageOfUser): Promise<void> {
  const { index, user } = of;
  const input: ResponderInput = { accountId: index.account.id, userId: user.id };
  await deps.client.withDeadline(Date.now() + DEADLINE_MS, () =>
    deps.client.workflow.signalWithStart(RESPONDER.workflow, {
      workflowId: responderWorkflowId(index.account.id, user.id),
      ...startOptions(index.account.id),
      args: [input],
      signal: RESPONDER.signals.page,
      signalArgs: [pageOf(of)],
      // Ids only: names and addresses of people stay out of the engine's visible fields.
      staticSummary: `pages of user ${user.id}`,
    }),
  );
}

function pageOf({ index, user, request, at }: PageOfUser): Page {
  const { command, view } = request;
  return {
    pageId: pageIdOf(view.id, command.commandId),
    ...incidentFields(view),
    userName: user.name,
    pagedAt: at,
    notAfter: command.notAfter,
    steps: stepsFor(user, view.urgency),
    requireReplyCodes: index.account.requireReplyCodes,
    traceparent: request.traceparent,
  };
}

function incidentFields(view: IncidentView) {
  return {
    incidentId: view.id,
    incidentNumber: view.number,
    incidentWorkflowId: view.workflowId,
    title: view.title,
    serviceName: view.serviceName,
    urgency: view.urgency,
    triggeredAt: view.createdAt,
  };
}

async function stopPages(deps: PagingDeps, request: StopRequest, at: string): Promise<void> {
  const { accountId, incidentId, command } = request;
  const { outcome, upTo } = command;
  const stop: StopPages = { incidentId, outcome, ...(upTo !== undefined && { upTo }) };
  const userIds = [...new Set([...command.userIds, ...mayHaveReached(deps, request, at)])];
  await all(
    userIds.map((userId) =>
      deliverSignal(deps.client, {
        workflowId: responderWorkflowId(accountId, userId),
        signal: RESPONDER.signals.stop,
        argument: stop,
        deadlineMs: DEADLINE_MS,
      }),
    ),
  );
}

/** Whom the given-up page would find now; a handoff in between leaves at most a page that no send lets pass. */
function mayHaveReached(
  { directory }: PagingDeps,
  { accountId, command }: StopRequest,
  at: string,
): readonly string[] {
  if (!command.mayHaveReached) return [];
  const { targets, urgency, sparing } = command.mayHaveReached;
  const { userIds } = resolveTargets(accountOf(directory, accountId), targets, at, urgency);
  return userIds.filter((id) => !sparing.includes(id));
}

/** Waits for all, so that one that fails keeps none from being tried; then throws the first failure. */
async function all(work: readonly Promise<unknown>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(work)) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
}

// Retryable: a process that has just started may not have the account yet.
function accountOf(directory: Directory, accountId: string): AccountIndex {
  const index = directory.account(accountId);
  if (index) return index;
  throw ApplicationFailure.retryable(`the directory has no account ${accountId}`, 'NotLoaded');
}
