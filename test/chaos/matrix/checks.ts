import { expect } from 'vitest';
import type { IncidentView, LogEntry } from '../../../domain/incident/types.ts';
import type { LedgerLine } from './faults.ts';
import type { Story } from './stories.ts';

/** A message that left so soon after the end may have been under way. */
const UNDER_WAY_MS = 2000;

type Expected = Pick<Story, 'escalations' | 'underWayMs'>;

/** The invariants, over what one account's incidents and people did. */
export function checkInvariants(
  lines: readonly LedgerLine[],
  { escalations, underWayMs = UNDER_WAY_MS }: Expected,
): void {
  const views = lines.flatMap((line) =>
    line.type === 'projected' && line.batch.view ? [line.batch.view] : [],
  );
  const entries = lines.flatMap((line) => (line.type === 'projected' ? line.batch.entries : []));
  for (const view of views) expectOneTimer(view);
  for (const id of new Set(views.map((view) => view.id))) {
    const last = views.findLast((view) => view.id === id);
    expect(last?.status).toBe('resolved');
    expectNothingAfter(lines, id, Date.parse(last?.resolvedAt ?? '') + underWayMs);
  }
  expectTwoCopies(lines);
  expectSteps(entries, escalations);
  expectWholeLog(entries);
}

/** Exactly one armed timer, or a recorded reason that fits the status. */
function expectOneTimer({ status, escalation: { timer } }: IncidentView): void {
  const fitting = {
    triggered: ['armed', 'exhausted', 'low_urgency', 'manual'],
    acknowledged: ['acknowledged', 'snoozed'],
    resolved: ['resolved', 'merged'],
  }[status];
  expect(fitting).toContain(timer.kind === 'armed' ? 'armed' : timer.reason);
}

function pagesOf(lines: readonly LedgerLine[]) {
  return lines.flatMap((line) =>
    line.type === 'sent' && line.delivery.message.kind === 'page'
      ? line.delivery.message.pages.map((page) => ({
          ...page,
          line,
          to: line.delivery.contactMethodId,
        }))
      : [],
  );
}

function expectNothingAfter(lines: readonly LedgerLine[], incidentId: string, endMs: number): void {
  const late = pagesOf(lines)
    .filter((page) => page.incidentId === incidentId)
    .map(({ pageId, to, line }) => ({ pageId, to, afterEndMs: line.atMs - endMs }))
    .filter(({ afterEndMs }) => afterEndMs > 0);
  expect(late).toEqual([]);
}

/** At most two copies of one notification: each story pages a person once for an incident. */
function expectTwoCopies(lines: readonly LedgerLine[]): void {
  const copies = new Map<string, number>();
  for (const { incidentId, to } of pagesOf(lines)) {
    copies.set(`${incidentId} ${to}`, (copies.get(`${incidentId} ${to}`) ?? 0) + 1);
  }
  for (const [page, count] of copies) expect(count, page).toBeLessThanOrEqual(2);
}

/** From the first rule to the second, as often as the story says, and never further. */
function expectSteps(entries: readonly LogEntry[], escalations: number): void {
  const steps = new Map(
    entries.filter(({ type }) => type === 'escalate_log_entry').map((entry) => [entry.id, entry]),
  );
  expect([...steps.values()].map(({ details }) => details['ruleIndex'])).toEqual(
    Array.from({ length: escalations }, () => 1),
  );
}

/** Nothing that was logged is missing, whoever wrote it. */
function expectWholeLog(entries: readonly LogEntry[]): void {
  const byProducer = Map.groupBy(entries, ({ id, seq }) => id.slice(0, id.length - width(id, seq)));
  for (const [producer, own] of byProducer) {
    const seqs = [...new Set(own.map(({ seq }) => seq))].sort((a, b) => a - b);
    expect(seqs, producer).toEqual(seqs.map((_, index) => index + 1));
  }
}

/** An incident's entries end with `-{seq}`, a responder's with five digits. */
function width(id: string, seq: number): number {
  return id.endsWith(`-${seq}`) ? `-${seq}`.length : 5;
}
