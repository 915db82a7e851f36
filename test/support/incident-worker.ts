import { fileURLToPath } from 'node:url';
import type { Client } from '@temporalio/client';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import {
  bundleWorkflowCode,
  DefaultLogger,
  makeTelemetryFilterString,
  Runtime,
  Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import type {
  Activities,
  PageRequest,
  ProjectionBatch,
  StopRequest,
} from '../../activities/contract.ts';
import type { AlertEvent } from '../../domain/event.ts';
import type { IncidentAddress, PageResult } from '../../domain/incident/types.ts';
import { INCIDENT, SEARCH_ATTRIBUTES, TASK_QUEUES } from '../../domain/messages.ts';
import { settings } from './incident-samples.ts';

export const workflowsPath = fileURLToPath(new URL('../../workflows/index.ts', import.meta.url));

/** Failures are caused on purpose here; only what should never happen is worth a line. */
export function quietRuntime(): void {
  const telemetryOptions = {
    logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'ERROR' }) },
  };
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions });
}

export function bundle(): Promise<WorkflowBundleWithSourceMap> {
  return bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
}

/** What the incident asked of the world, and the world's answers, which a test may change. */
export interface World {
  readonly pages: PageRequest[];
  readonly stops: StopRequest[];
  readonly batches: ProjectionBatch[];
  readonly forwarded: {
    readonly target: IncidentAddress;
    readonly events: readonly AlertEvent[];
  }[];
  readonly raised: AlertEvent[];
  /** Throws or answers in place of the usual result (everybody named is paged). */
  answerPage: (request: PageRequest) => Partial<PageResult> | Promise<Partial<PageResult>>;
  /** Throws while responders cannot be told to stop. */
  onStop: () => void;
  /** Throws while the database is away. */
  onProject: () => void;
}

export function newWorld(): World {
  return {
    pages: [],
    stops: [],
    batches: [],
    forwarded: [],
    raised: [],
    answerPage: () => ({}),
    onStop: () => undefined,
    onProject: () => undefined,
  };
}

type Parts = Pick<
  Activities,
  | 'page'
  | 'stopPages'
  | 'loadSettings'
  | 'forwardEvents'
  | 'signalRelease'
  | 'mergeSource'
  | 'project'
  | 'raiseEvent'
>;

/** Effects in memory; messages between incidents go through the real engine. */
export function fakeActivities(world: World, client: Client): Parts {
  const send = async (workflowId: string, signal: string, args: unknown[]) => {
    try {
      await client.workflow.getHandle(workflowId).signal(signal, ...args);
      return true;
    } catch {
      return false;
    }
  };
  return {
    page: async (request) => {
      const change = await world.answerPage(request);
      world.pages.push(request);
      const { commandId, ruleIndex, targets } = request.command;
      const at = request.view.updatedAt;
      const userIds = targets.map(({ id }) => id);
      return { commandId, at, ruleIndex, userIds, via: 'policy', empty: [], ...change };
    },
    stopPages: (request) => {
      world.onStop();
      world.stops.push(request);
      return Promise.resolve();
    },
    loadSettings: () => Promise.resolve(settings({ minutes: [7] })),
    forwardEvents: (target, events) => {
      world.forwarded.push({ target, events });
      return send(target.workflowId, INCIDENT.signals.events, [events]);
    },
    raiseEvent: (_accountId, event) => {
      world.raised.push(event);
      return Promise.resolve(event.integrationId !== 'GONE');
    },
    signalRelease: (source) => send(source.workflowId, INCIDENT.signals.release, []),
    mergeSource: (source, action) =>
      client.workflow
        .getHandle(source.workflowId)
        .executeUpdate(INCIDENT.updates.act, { args: [action], updateId: action.actionId }),
    project: (batch) => {
      world.onProject();
      world.batches.push(batch);
      return Promise.resolve();
    },
  };
}

const KEYWORD = 2;
const KEYWORD_LIST = 7;

/** Servers refuse attributes that they do not know. */
export async function defineAttributes(env: TestWorkflowEnvironment): Promise<void> {
  const names = Object.values(SEARCH_ATTRIBUTES);
  await env.connection.operatorService.addSearchAttributes({
    namespace: env.namespace ?? 'default',
    searchAttributes: Object.fromEntries(
      names.map((name) => [name, name === SEARCH_ATTRIBUTES.assignees ? KEYWORD_LIST : KEYWORD]),
    ),
  });
}

/** A server of either kind. */
export type Engine = Pick<TestWorkflowEnvironment, 'client' | 'nativeConnection'> & {
  readonly namespace?: string;
};

/** Both queues' workers, run while `body` runs. */
export async function withWorkers<T>(
  env: Engine,
  code: WorkflowBundleWithSourceMap,
  world: World,
  body: () => Promise<T>,
): Promise<T> {
  const activities = fakeActivities(world, env.client);
  const common = {
    connection: env.nativeConnection,
    ...(env.namespace !== undefined && { namespace: env.namespace }),
    activities,
    stickyQueueScheduleToStartTimeout: '1s',
  } as const;
  const main = await Worker.create({
    ...common,
    taskQueue: TASK_QUEUES.workflows,
    workflowBundle: code,
  });
  const projection = await Worker.create({ ...common, taskQueue: TASK_QUEUES.projection });
  return main.runUntil(projection.runUntil(body()));
}
