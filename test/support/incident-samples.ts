import type { AlertEvent } from '../../domain/event.ts';
import type {
  Answer,
  IncidentAction,
  IncidentEvent,
  IncidentInput,
  IncidentSettings,
  PageResult,
} from '../../domain/incident/types.ts';
import type { TargetRef } from '../../domain/model.ts';

/** Plausible values for tests of incidents; each takes what the test is about and fills in the rest. */
export const T0 = '2026-03-01T10:00:00.000Z';

export const rule = (id: string, minutes: number, targets: readonly TargetRef[] = [user(id)]) => ({
  id: `R${id}`,
  escalationDelayInMinutes: minutes,
  targets,
});

export const user = (id: string): TargetRef => ({ type: 'user', id: `U${id}` });

export function settings(
  change: {
    readonly minutes?: readonly number[];
    readonly numLoops?: number;
    readonly service?: Partial<IncidentSettings['service']>;
  } = {},
): IncidentSettings {
  const minutes = change.minutes ?? [5, 10];
  return {
    accountId: 'ACC',
    accountSubdomain: 'acme',
    service: {
      id: 'SVC',
      name: 'Checkout',
      acknowledgementTimeoutSec: null,
      autoResolveTimeoutSec: null,
      urgencyRule: 'high',
      ...change.service,
    },
    policy: {
      id: 'POL',
      name: 'Default',
      description: null,
      numLoops: change.numLoops ?? 0,
      rules: minutes.map((delay, index) => rule(String(index + 1), delay)),
      teamIds: [],
    },
  };
}

export function input(change: Parameters<typeof settings>[0] = {}): IncidentInput {
  return { incidentId: 'PINC', settings: settings(change), manual: null };
}

export function alertEvent(change: Partial<AlertEvent> = {}): AlertEvent {
  return {
    eventId: 'E1',
    action: 'trigger',
    integrationId: 'INT',
    dedupKey: 'disk-full',
    receivedAt: T0,
    payload:
      (change.action ?? 'trigger') === 'trigger'
        ? {
            summary: 'Disk full on db-1',
            source: 'db-1',
            severity: 'critical',
            timestamp: null,
            component: null,
            group: null,
            class: null,
            customDetails: null,
          }
        : null,
    client: null,
    clientUrl: null,
    links: [],
    images: [],
    traceparent: null,
    ...change,
  };
}

export const agent = (id: string) =>
  ({ type: 'user', id: `U${id}`, summary: `User ${id}` }) as const;

type Body = IncidentAction extends infer A
  ? A extends IncidentAction
    ? Omit<A, 'actionId' | 'at' | 'agent' | 'channel' | 'traceparent'>
    : never
  : never;

let actions = 0;

export function action(body: Body, by = '1', at = T0): IncidentAction {
  actions += 1;
  const context = {
    actionId: `act-${actions}`,
    at,
    agent: agent(by),
    channel: 'api',
    traceparent: null,
  };
  return { ...context, ...body } as IncidentAction;
}

export function act(body: Body, by = '1', at = T0): IncidentEvent {
  return { type: 'action', action: action(body, by, at) };
}

export function answer(what: Answer['action'], by = '1', at = T0, incidentId = 'PINC'): Answer {
  actions += 1;
  return {
    actionId: `ans-${actions}`,
    at,
    agent: agent(by),
    channel: 'sms',
    traceparent: null,
    incidentId,
    userId: `U${by}`,
    action: what,
    pageId: 'page',
  };
}

export function pageResult(
  commandId: string,
  userIds: readonly string[],
  change: Partial<PageResult> = {},
): PageResult {
  return { commandId, at: T0, ruleIndex: 0, userIds, via: 'policy', empty: [], ...change };
}
