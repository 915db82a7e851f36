import { defineSearchAttributeKey } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import type { IncidentView } from '../domain/incident/types.ts';
import { SEARCH_ATTRIBUTES } from '../domain/messages.ts';

const keyword = (name: string) => defineSearchAttributeKey(name, 'KEYWORD');
const KEYS = {
  account: keyword(SEARCH_ATTRIBUTES.account),
  service: keyword(SEARCH_ATTRIBUTES.service),
  status: keyword(SEARCH_ATTRIBUTES.status),
  urgency: keyword(SEARCH_ATTRIBUTES.urgency),
  incident: keyword(SEARCH_ATTRIBUTES.incident),
  assignees: defineSearchAttributeKey(SEARCH_ATTRIBUTES.assignees, 'KEYWORD_LIST'),
};

/** Keeps search attributes and the details page of Temporal UI in step; an upsert only where something changed. */
export function attributeKeeper(): (view: IncidentView) => void {
  let shown = '';
  return (view) => {
    const assignees = view.assignments.map(({ userId }) => userId);
    const now = JSON.stringify([view.id, view.status, view.urgency, assignees]);
    setCurrentDetails(detailsOf(view));
    if (now === shown) return;
    shown = now;
    upsertSearchAttributes([
      { key: KEYS.account, value: view.accountId },
      { key: KEYS.service, value: view.serviceId },
      { key: KEYS.status, value: view.status },
      { key: KEYS.urgency, value: view.urgency },
      { key: KEYS.incident, value: view.id },
      { key: KEYS.assignees, value: assignees },
    ]);
  };
}

function detailsOf(view: IncidentView): string {
  const { ruleIndex, loop, timer } = view.escalation;
  const next =
    timer.kind === 'armed' ? `next step at ${timer.dueAt}` : `no next step (${timer.reason})`;
  return [
    `**${view.status}**, ${view.urgency} urgency: ${oneLine(view.title)}`,
    `Rule ${ruleIndex + 1}, repeat ${loop}, ${next}.`,
  ].join('\n\n');
}

/** Text from outside stays text: no line breaks, no markup. */
function oneLine(text: string): string {
  return text.replace(/[^\p{L}\p{N} .,:;()/_-]+/gu, ' ').slice(0, 200);
}
