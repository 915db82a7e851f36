import {
  allHandlersFinished,
  condition,
  isCancellation,
  log,
  rootCause,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { mergeIntoAction } from '../domain/incident/merge.ts';
import { openIncident } from '../domain/incident/open.ts';
import { type Batch, dropBatch, nextBatch } from '../domain/incident/outbox.ts';
import { isWanted } from '../domain/incident/paging.ts';
import { reduce } from '../domain/incident/reduce.ts';
import { dueAt } from '../domain/incident/tick.ts';
import type {
  IncidentCommand,
  IncidentEvent,
  IncidentInput,
  IncidentState,
  PageResult,
} from '../domain/incident/types.ts';
import { merging, messaging, paging, projecting } from './incident-activities.ts';
import { attributeKeeper } from './incident-attributes.ts';

type CommandOf<T extends IncidentCommand['type']> = Extract<IncidentCommand, { type: T }>;

/** Half of the history's warning limit. */
const HISTORY_EVENTS = 5000;

/** One run of an incident: its state, the commands that wait, and the effects that carry them out. */
export class IncidentRun {
  state: IncidentState;
  private readonly commands: IncidentCommand[] = [];
  private absorbing = 0;
  /** A page that waits or runs: the projection lets it go first. */
  private paging = false;

  constructor(input: IncidentInput) {
    const { workflowId, runId } = workflowInfo();
    this.state = openIncident(input, nowIso(), { workflowId, runId });
  }

  apply(event: IncidentEvent): void {
    const { state, commands } = reduce(this.state, event, nowIso());
    this.state = state;
    this.commands.push(...commands);
    if (commands.some(({ type }) => type === 'page')) this.paging = true;
  }

  /** Carries out what is queued, then waits for a message or the next deadline; until there is nothing to do. */
  async untilOver(): Promise<void> {
    while (!this.isOver() && !this.mustContinue()) {
      await this.runCommands();
      await this.passOn();
      if (this.tickIfDue() || this.commands.length > 0) continue;
      if (this.isOver() || this.mustContinue()) break;
      await this.waitForWork();
    }
    await this.runCommands();
  }

  private async waitForWork(): Promise<void> {
    const due = dueAt(this.state);
    const revision = this.state.view.revision;
    const changed = () =>
      this.commands.length > 0 ||
      this.isOver() ||
      this.mustContinue() ||
      this.mustPassOn() ||
      (this.state.view.revision !== revision && dueAt(this.state) !== due);
    if (due === null) await condition(changed);
    else await condition(changed, Math.max(1, Date.parse(due) - Date.now()));
  }

  private tickIfDue(): boolean {
    const due = dueAt(this.state);
    if (due === null || Date.parse(due) > Date.now()) return false;
    this.apply({ type: 'tick' });
    return true;
  }

  /** The incident has ended; a merged one also has to be let go by its target. */
  isOver(): boolean {
    const { view, mergedInto, released, pendingMerges } = this.state;
    const ended = view.status === 'resolved' && (mergedInto === null || released);
    return ended && (this.wantsSuccessor() || pendingMerges.length === 0) && !this.mustPassOn();
  }

  wantsSuccessor(): boolean {
    return this.state.held.length > 0 && this.absorbing === 0 && !this.isForwarding();
  }

  private isForwarding(): boolean {
    return this.state.mergedInto !== null && !this.state.released;
  }

  /** Long histories are continued, when no effect is under way. */
  private mustContinue(): boolean {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    const long = continueAsNewSuggested || historyLength >= HISTORY_EVENTS;
    return long && this.absorbing === 0 && this.commands.length === 0 && allHandlersFinished();
  }

  isDrained(): boolean {
    return nextBatch(this.state) === null;
  }

  private async runCommands(): Promise<void> {
    for (let next = this.commands.shift(); next; next = this.commands.shift()) {
      if (next.type === 'page') await this.page(next);
      else if (next.type === 'stop') await this.stopPages(next);
      else void this.absorb(next);
    }
    this.paging = false;
  }

  /**
   * Tries until it went out to everybody or is overtaken by an answer or the next step. From the first result
   * on, those whom it may have reached are told to stop like all who are paged.
   */
  private async page(command: CommandOf<'page'>): Promise<void> {
    let known = false;
    let wanting = command;
    for (let attempt = 0; isWanted(this.state, command); attempt++) {
      try {
        const result = await this.tryPage(wanting);
        if (!known) this.apply({ type: 'paged', result });
        known = true;
        const missing = result.unsignalled ?? [];
        if (missing.length === 0) return;
        wanting = { ...command, targets: missing.map((id) => ({ type: 'user', id })) };
        await this.pauseAfter(`not taken by ${missing.join(', ')}`, command, attempt);
      } catch (error) {
        if (isCancellation(error)) throw error;
        await this.pauseAfter(rootCause(error), command, attempt);
      }
    }
    if (!known) this.giveUp(command);
  }

  private tryPage(command: CommandOf<'page'>): Promise<PageResult> {
    const { settings, view, traceparent } = this.state;
    const summary = `page rule ${command.ruleIndex + 1} · ${command.why}`;
    const request = { command, settings, view, traceparent };
    return paging.page.executeWithOptions({ summary }, [request]);
  }

  /** Its stop goes before whatever waits, so that it cannot end a later page of the same users. */
  private giveUp(command: CommandOf<'page'>): void {
    const waiting = this.commands.splice(0);
    this.apply({ type: 'page_given_up', command });
    this.commands.push(...waiting);
  }

  private async pauseAfter(
    reason: string | undefined,
    command: IncidentCommand,
    attempt: number,
  ): Promise<void> {
    log.error('page failed, trying again', { attempt, reason });
    const overtaken = () => !isWanted(this.state, command);
    await condition(overtaken, Math.min(30_000, 1000 * 2 ** Math.min(attempt, 5)));
    this.tickIfDue();
  }

  /** A stop that fails is given up: every send looks at the state again, and paging must not wait for it. */
  private async stopPages(command: CommandOf<'stop'>): Promise<void> {
    const { accountId, id: incidentId } = this.state.view;
    try {
      await paging.stopPages({ accountId, incidentId, command });
    } catch (error) {
      if (isCancellation(error)) throw error;
      log.warn('stop failed', { reason: rootCause(error) });
    }
  }

  private async absorb(command: CommandOf<'absorb'>): Promise<void> {
    const { source } = command;
    const action = mergeIntoAction(this.state, command);
    if (!action) return;
    this.absorbing += 1;
    try {
      this.apply({ type: 'absorbed', source: await merging.mergeSource(source, action) });
    } catch (error) {
      const reason = rootCause(error) ?? 'unknown';
      this.apply({ type: 'absorb_failed', source, reason });
    } finally {
      this.absorbing -= 1;
    }
  }

  private mustPassOn(): boolean {
    const forward = this.isForwarding() && this.state.held.length > 0;
    return forward || this.state.releases.length > 0;
  }

  /** Releases merged sources, and forwards events after a merge of this one. */
  private async passOn(): Promise<void> {
    for (let source = this.state.releases[0]; source; source = this.state.releases[0]) {
      await messaging.signalRelease(source);
      this.state = { ...this.state, releases: this.state.releases.slice(1) };
    }
    const { mergedInto, held } = this.state;
    if (mergedInto === null || !this.isForwarding() || held.length === 0) return;
    const accepted = await messaging.forwardEvents(mergedInto, held);
    this.apply({ type: 'forwarded', count: held.length, accepted });
  }

  /** Beside the paging loop, never before a page: writes what is pending, one call at a time, for ever. */
  async project(): Promise<void> {
    const show = attributeKeeper();
    for (;;) {
      await condition(() => !this.paging && !this.isDrained());
      const batch = nextBatch(this.state);
      if (!batch) continue;
      show(this.state.view);
      if (await this.store(batch)) this.state = dropBatch(this.state, batch);
    }
  }

  /** Retried for ever; what the projection refuses for good is tried again slowly, since a repair may come. */
  private async store(batch: Batch): Promise<boolean> {
    const { accountId } = this.state.view;
    try {
      await projecting.project({ accountId, ...batch });
      return true;
    } catch (error) {
      if (isCancellation(error)) throw error;
      log.error('projection refused', { reason: rootCause(error) });
      await sleep('5 minutes');
      return false;
    }
  }
}

/** The workflow's clock: the same on replay. */
export function nowIso(): string {
  return new Date().toISOString();
}
