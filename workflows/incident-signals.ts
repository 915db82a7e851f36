import { log, patched, setDefaultSignalHandler } from '@temporalio/workflow';
import type { AlertEvent } from '../domain/event.ts';
import { isOfCurrentPage } from '../domain/incident/paging.ts';
import type { Answer, IncidentEvent, Unreachable } from '../domain/incident/types.ts';
import { INCIDENT } from '../domain/messages.ts';
import type { IncidentRun } from './incident-run.ts';

interface Received {
  readonly name: string;
  readonly content: unknown;
}

/**
 * Takes all signals, those that came before this run began first and in their order: with a handler for each
 * kind they would be taken kind by kind, and a trigger after a resolving answer would fold into what that ends.
 */
export function listenToSignals(run: IncidentRun): void {
  const early: Received[] = [];
  let isStarting = true;
  setDefaultSignalHandler((name, content) => {
    if (isStarting) early.push({ name, content });
    else take(run, { name, content });
  });
  isStarting = false;
  for (const signal of inOrder(early)) take(run, signal);
}

const KINDS: readonly string[] = Object.values(INCIDENT.signals);

/** As they came; kind by kind in a history that a handler for each kind has made. */
function inOrder(early: readonly Received[]): readonly Received[] {
  const byKind = early.toSorted((a, b) => KINDS.indexOf(a.name) - KINDS.indexOf(b.name));
  const differs = byKind.some((signal, index) => signal !== early[index]);
  return differs && !patched('signals-in-order') ? byKind : early;
}

function take(run: IncidentRun, signal: Received): void {
  for (const event of eventsOf(run, signal)) run.apply(event);
}

/** What a signal says; its sender is our own code, so its content is of that type. */
function eventsOf(run: IncidentRun, { name, content }: Received): readonly IncidentEvent[] {
  switch (name) {
    case INCIDENT.signals.events:
      return (content as readonly AlertEvent[]).map((event) => ({ type: 'alert', event }));
    case INCIDENT.signals.answer:
      return [{ type: 'answer', answer: content as Answer }];
    case INCIDENT.signals.unreachable:
      return [unreachable(run, content as Unreachable)];
    case INCIDENT.signals.release:
      return [{ type: 'released' }];
    default:
      log.warn('unknown signal ignored', { name });
      return [];
  }
}

function unreachable({ state }: IncidentRun, report: Unreachable): IncidentEvent {
  const counts = isOfCurrentPage(state, report) || patched('unreachable-by-page');
  return { type: 'unreachable', report, ...(!counts && { anyPage: true }) };
}
