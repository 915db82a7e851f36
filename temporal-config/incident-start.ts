import { defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common';

import type { AccountIndex } from '../domain/directory.ts';
import type { AlertEvent } from '../domain/event.ts';
import { urgencyOf } from '../domain/incident/alerts.ts';
import type { IncidentInput } from '../domain/incident/types.ts';
import { cutText } from '../domain/intake/fields.ts';
import { INCIDENT } from '../domain/messages.ts';
import type { Service } from '../domain/model.ts';
import { settingsOf } from '../domain/on-call.ts';
import { hashKey, newId, newIncidentNumber } from '../platform/ids.ts';
import { incidentWorkflowId, SEARCH_ATTRIBUTES, startOptions } from './names.ts';

/** Temporal takes 400 bytes of a summary. */
const SUMMARY_CHARACTERS = 90;

const keyword = (name: string) => defineSearchAttributeKey(name, 'KEYWORD');
const KEYS = {
  account: keyword(SEARCH_ATTRIBUTES.account),
  service: keyword(SEARCH_ATTRIBUTES.service),
  status: keyword(SEARCH_ATTRIBUTES.status),
  urgency: keyword(SEARCH_ATTRIBUTES.urgency),
  dedupKey: keyword(SEARCH_ATTRIBUTES.dedupKey),
  incident: keyword(SEARCH_ATTRIBUTES.incident),
};

/** An accepted event and where it belongs. */
export interface EventRoute {
  readonly index: AccountIndex;
  readonly service: Service;
  readonly event: AlertEvent;
}

/** The workflow of the incident that an event of this integration and dedup key belongs to. */
export function workflowIdOfEvent({ index, service, event }: EventRoute): string {
  const grouping = { integrationId: event.integrationId, key: event.dedupKey };
  return incidentWorkflowId(index.account.id, service.id, grouping);
}

/** Gives a number to each trigger that may open an incident: the first, and one after a resolve. */
function numbered(event: AlertEvent, i: number, events: readonly AlertEvent[]): AlertEvent {
  const opens = event.action === 'trigger' && events[i - 1]?.action !== 'trigger';
  return opens ? { ...event, incidentNumber: newIncidentNumber() } : event;
}

/** Options of the `signalWithStart` that hands events to the open incident, or starts one when there is none. */
export function incidentStart(first: EventRoute, events: readonly AlertEvent[]) {
  const { index, service, event } = first;
  const settings = settingsOf(index, service.id);
  if (!settings) throw new Error(`service ${service.id} has no escalation policy`);
  const input: IncidentInput = { incidentId: newId('Q'), settings, manual: null };
  const urgency = urgencyOf(settings, event.payload?.severity ?? null);
  const typedSearchAttributes: SearchAttributePair[] = [
    { key: KEYS.account, value: index.account.id },
    { key: KEYS.service, value: service.id },
    { key: KEYS.status, value: 'triggered' },
    { key: KEYS.urgency, value: urgency },
    { key: KEYS.dedupKey, value: hashKey(event.dedupKey).slice(0, 32) },
    { key: KEYS.incident, value: input.incidentId },
  ];
  return {
    workflowId: workflowIdOfEvent(first),
    ...startOptions(index.account.id),
    args: [input],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
    typedSearchAttributes,
    staticSummary: cutText(event.payload?.summary ?? '', SUMMARY_CHARACTERS),
    signal: INCIDENT.signals.events,
    signalArgs: [events.map(numbered)],
  };
}
