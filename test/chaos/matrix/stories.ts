import type { Client, WorkflowHandle } from '@temporalio/client';
import type { AlertEvent } from '../../../domain/event.ts';
import type {
  IncidentAction,
  IncidentInput,
  IncidentView,
} from '../../../domain/incident/types.ts';
import { INCIDENT, RESPONDER } from '../../../domain/messages.ts';
import type { Delivery, Reply, ResponderState } from '../../../domain/responder/types.ts';
import { actOnIncident } from '../../../temporal-config/act-on-incident.ts';
import {
  incidentWorkflowId,
  responderWorkflowId,
  TASK_QUEUES,
} from '../../../temporal-config/names.ts';
import { readWorkflow } from '../../../temporal-config/read-workflow.ts';
import { action, alertEvent } from '../../support/incident-samples.ts';
import { until } from '../../support/until.ts';
import { methodOf, settingsOf, userOf, type Cast } from './accounts.ts';
import type { LedgerLine } from './faults.ts';

/** On a machine with time to spare nothing takes 25 s: a workflow task of a killed worker 10 s, a delivery 10 s more. */
const LIMIT_MS = 90_000;

/** One account's incidents and people. */
export class Stage {
  private readonly client: Client;
  private readonly ledger: readonly LedgerLine[];
  readonly cast: Cast;
  private events = 0;

  constructor(client: Client, ledger: readonly LedgerLine[], cast: Cast) {
    this.client = client;
    this.ledger = ledger;
    this.cast = cast;
  }

  event(dedupKey: string, kind: AlertEvent['action'] = 'trigger'): AlertEvent {
    const eventId = `${this.cast.account}-E${(this.events += 1)}`;
    const receivedAt = new Date().toISOString();
    return alertEvent({ eventId, dedupKey, action: kind, receivedAt });
  }

  /** Without a run id: whichever run is the last. */
  incident(key: string): WorkflowHandle {
    return this.client.workflow.getHandle(this.workflowId(key));
  }

  private workflowId(key: string): string {
    return incidentWorkflowId(this.cast.account, 'SVC', { integrationId: 'INT', key });
  }

  address(key: string) {
    return { incidentId: `${this.cast.account}-${key}`, workflowId: this.workflowId(key) };
  }

  async trigger(key: string): Promise<void> {
    const { incidentId, workflowId } = this.address(key);
    const start: IncidentInput = { incidentId, settings: settingsOf(this.cast), manual: null };
    await this.client.workflow.signalWithStart(INCIDENT.workflow, {
      ...{ workflowId, taskQueue: TASK_QUEUES.workflows, args: [start] },
      ...{ signal: INCIDENT.signals.events, signalArgs: [[this.event(key)]] },
    });
  }

  send(key: string, ...events: AlertEvent[]): Promise<void> {
    return this.incident(key).signal(INCIDENT.signals.events, events);
  }

  act(key: string, body: Parameters<typeof action>[0]): Promise<IncidentView> {
    const one: IncidentAction = action(body, '9', new Date().toISOString());
    return actOnIncident(this.client, this.workflowId(key), one, LIMIT_MS);
  }

  view(key: string): Promise<IncidentView> {
    return readWorkflow(this.incident(key), INCIDENT.queries.view);
  }

  /** The messages that a user was sent. */
  sent(number: 1 | 2 | 3): readonly Delivery[] {
    const method = methodOf(userOf(this.cast.account, number));
    return this.ledger.flatMap((line) =>
      line.type === 'sent' && line.delivery.contactMethodId === method ? [line.delivery] : [],
    );
  }

  /** The messages are out, and their outcome is known. */
  async untilPaged(number: 1 | 2 | 3, times = 1): Promise<void> {
    await until(() => this.sent(number).length >= times, LIMIT_MS);
    const hasLanded = async () =>
      (await this.state(number)).methods.every(({ inFlight }) => inFlight === null);
    await until(hasLanded, LIMIT_MS);
  }

  /** A user answers the last message by its code. */
  async reply(number: 1 | 2 | 3, what: Reply['action']): Promise<void> {
    const message = this.sent(number).at(-1)?.message;
    const code = message?.kind === 'page' ? message.code : null;
    const reply: Reply = {
      ...{ replyId: `${code}-${what}`, at: new Date().toISOString(), via: 'voice', action: what },
      ...{ contactMethodId: methodOf(userOf(this.cast.account, number)), code },
      ...{ ambiguous: false, traceparent: null },
    };
    await this.responder(number).signal(RESPONDER.signals.reply, reply);
  }

  private responder(number: 1 | 2 | 3): WorkflowHandle {
    const { account } = this.cast;
    return this.client.workflow.getHandle(responderWorkflowId(account, userOf(account, number)));
  }

  private state(number: 1 | 2 | 3): Promise<ResponderState> {
    return readWorkflow(this.responder(number), RESPONDER.queries.state);
  }

  /** No page of these users goes on. */
  async untilStopped(...numbers: (1 | 2 | 3)[]): Promise<void> {
    for (const number of numbers) {
      await until(async () => (await this.state(number)).pages.length === 0, LIMIT_MS);
    }
  }

  /** Everybody who was paged has written the log. */
  async untilWritten(): Promise<void> {
    const paged = this.cast.unreachable ? ([1, 2, 3] as const) : ([1, 2] as const);
    for (const number of paged) {
      await until(async () => (await this.state(number)).outbox.length === 0, LIMIT_MS);
    }
  }

  async untilStatus(key: string, status: IncidentView['status']): Promise<void> {
    await until(async () => (await this.view(key)).status === status, LIMIT_MS);
  }

  /** The fault has come about. */
  async untilStruck(): Promise<void> {
    const { account } = this.cast;
    const isStruck = (line: LedgerLine) => line.type === 'struck' && line.fault.account === account;
    await until(() => this.ledger.some(isStruck), LIMIT_MS);
  }

  async end(...keys: string[]): Promise<void> {
    for (const key of keys) await this.incident(key).result();
  }
}

/**
 * A story in which one activity is at work. `prepare` ends right before it, `strike` brings it about, `finish` goes on
 * to the end of all incidents.
 */
export interface Story {
  readonly prepare: (stage: Stage) => Promise<void>;
  readonly strike: (stage: Stage) => Promise<unknown>;
  readonly finish: (stage: Stage) => Promise<void>;
  /** Once the fault has come about, and where it kills the worker, before there is another one. */
  readonly overtake?: (stage: Stage) => Promise<void>;
  readonly unreachable?: boolean;
  readonly acknowledgementTimeoutSec?: number;
  /** A message that left so long after the end, in milliseconds, may have been under way; absent: 2,000. */
  readonly underWayMs?: number;
  /** How often the incidents of the story go on to rule 2. */
  readonly escalations: number;
}

const nothing = () => Promise.resolve();
const resolveBy = async (stage: Stage, number: 1 | 2 | 3) => {
  await stage.untilStatus('a', 'acknowledged');
  await stage.untilStopped(1, 2);
  await stage.reply(number, 'resolve');
  await stage.end('a');
};

/** Two people are paged, one answers, both are left alone. */
export const paged: Story = {
  prepare: nothing,
  strike: (stage) => stage.trigger('a'),
  finish: async (stage) => {
    await stage.untilPaged(1);
    await stage.untilPaged(2);
    await stage.reply(1, 'acknowledge');
    await resolveBy(stage, 1);
  },
  escalations: 0,
};

/** The same, struck at the answer. */
export const answered: Story = {
  prepare: async (stage) => {
    await stage.trigger('a');
    await stage.untilPaged(1);
    await stage.untilPaged(2);
  },
  strike: (stage) => stage.reply(1, 'acknowledge'),
  finish: (stage) => resolveBy(stage, 1),
  escalations: 0,
};

/** The acknowledgement runs out, and both are paged again; the alert resolves before that page is known. */
export const pagedAgain: Story = {
  prepare: answered.prepare,
  strike: async (stage) => {
    await stage.reply(1, 'acknowledge');
    await stage.untilStruck();
  },
  overtake: (stage) => stage.send('a', stage.event('a', 'resolve')),
  finish: async (stage) => {
    await stage.end('a');
    await stage.untilStopped(1, 2);
  },
  acknowledgementTimeoutSec: 3,
  // What the killed worker had paged goes out before the incident's own task is taken from it.
  underWayMs: 20_000,
  escalations: 0,
};

/** Nobody of rule 1 can be reached, so rule 2 is paged at once. */
export const unreachable: Story = {
  prepare: nothing,
  strike: (stage) => stage.trigger('a'),
  finish: async (stage) => {
    await stage.untilPaged(3);
    await stage.reply(3, 'acknowledge');
    await resolveBy(stage, 3);
  },
  unreachable: true,
  escalations: 1,
};

const startBoth = async (stage: Stage) => {
  // One after the other: else the second page may still wait for the first when the incident ends.
  for (const [index, key] of ['source', 'target'].entries()) {
    await stage.trigger(key);
    await stage.untilPaged(1, index + 1);
    await stage.untilPaged(2, index + 1);
  }
};
const merge = (stage: Stage) =>
  stage.act('target', { type: 'merge', sources: [stage.address('source')] });
const untilMerged = (stage: Stage) =>
  until(async () => (await stage.view('target')).alertCounts.all === 2, LIMIT_MS);
const endSource = (stage: Stage) => stage.send('source', stage.event('source', 'resolve'));
const untilForwarded = (stage: Stage) =>
  until(async () => (await stage.view('target')).alertCounts.resolved === 1, LIMIT_MS);
const endTarget = (stage: Stage) => stage.send('target', stage.event('target', 'resolve'));
const endBoth = (stage: Stage) => stage.end('target', 'source');

/** One incident is merged into another, and what comes for it later is forwarded. */
export const merged: Story = {
  prepare: startBoth,
  strike: merge,
  finish: async (stage) => {
    await untilMerged(stage);
    await endSource(stage);
    await untilForwarded(stage);
    await endTarget(stage);
    await endBoth(stage);
  },
  escalations: 0,
};

/** The same, struck when an event is forwarded. */
export const forwarded: Story = {
  prepare: async (stage) => {
    await startBoth(stage);
    await merge(stage);
    await untilMerged(stage);
  },
  strike: endSource,
  finish: async (stage) => {
    await untilForwarded(stage);
    await endTarget(stage);
    await endBoth(stage);
  },
  escalations: 0,
};

/** The same, struck when the source is let go. */
export const released: Story = {
  prepare: async (stage) => {
    await forwarded.prepare(stage);
    await endSource(stage);
    await untilForwarded(stage);
  },
  strike: endTarget,
  finish: endBoth,
  escalations: 0,
};

/** A trigger follows the end so soon that the same workflow opens the next incident. */
export const followed: Story = {
  prepare: async (stage) => {
    await stage.trigger('a');
    await stage.untilPaged(1);
    await stage.untilPaged(2);
  },
  strike: (stage) => stage.send('a', stage.event('a', 'resolve'), stage.event('a')),
  finish: async (stage) => {
    await stage.untilPaged(1, 2);
    await stage.untilPaged(2, 2);
    await stage.reply(1, 'acknowledge');
    await resolveBy(stage, 1);
  },
  escalations: 0,
};
