import {
  allHandlersFinished,
  condition,
  isCancellation,
  log,
  patched,
  rootCause,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { mergeIntoAction } from '../domain/incident/merge.ts';
import { openIncident } from '../domain/incident/open.ts';
import { type Batch, dropBatch, nextBatch } from '../domain/incident/outbox.ts';
import { reduce } from '../domain/incident/reduce.ts';
import { dependsOnRules, dueAt } from '../domain/incident/tick.ts';
import type {
  IncidentCommand,
  IncidentEvent,
  IncidentInput,
  IncidentState,
} from '../domain/incident/types.ts';
import { nowIso, nowMs } from './clock.ts';
import { EntryWriter } from './entry-writer.ts';
import { merging, messaging } from './incident-activities.ts';
import { attributeKeeper } from './incident-attributes.ts';
import { IncidentPaging } from './incident-paging.ts';

type CommandOf<T extends IncidentCommand['type']> = Extract<IncidentCommand, { type: T }>;
/** Above this many events a run goes on in a fresh history: ten that are read again at once take seconds. */
const LONG_HISTORY = 500;
/** The same in histories of before `short-incidents`. */
const LONG_HISTORY_BEFORE = 5000;

/** One run of an incident: its state, the commands that wait, and the effects that carry them out. */
export class IncidentRun {
  state: IncidentState;
  private readonly commands: IncidentCommand[] = [];
  private readonly pager = new IncidentPaging(this);
  private readonly writer = new EntryWriter();
  private absorbing = 0;
  /** A page that waits or runs: the projection lets it go first. */
  private paging = false;
  private isLong = false;

  constructor(input: IncidentInput) {
    const { workflowId, runId, runStartTime } = workflowInfo();
    const ids = { workflowId, runId };
    const { unfinished, ...state } = openIncident(input, runStartTime.toISOString(), ids);
    this.state = state;
    this.commands.push(...(unfinished ?? []));
  }

  /** What the next run goes on with. */
  carried(): IncidentState {
    const unfinished = this.pager.unfinished;
    return unfinished.length > 0 ? { ...this.state, unfinished } : this.state;
  }

  apply(event: IncidentEvent): void {
    const now = nowIso();
    const asBefore = dependsOnRules(this.state, now) && !patched('on-time');
    const { state, commands } = reduce(this.state, event, now, asBefore);
    this.state = state;
    this.commands.push(...commands);
    if (commands.some(({ type }) => type === 'page')) this.paging = true;
    this.isLong ||= workflowInfo().historyLength >= LONG_HISTORY && patched('short-incidents');
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
    else await condition(changed, Math.max(1, Date.parse(due) - nowMs()));
  }

  tickIfDue(): boolean {
    const due = dueAt(this.state);
    if (due === null || Date.parse(due) > nowMs()) return false;
    this.apply({ type: 'tick' });
    return true;
  }

  /** The incident has ended; a merged one also has to be let go by its target. */
  isOver(): boolean {
    const { view, mergedInto, released, pendingMerges } = this.state;
    const ended = view.status === 'resolved' && (mergedInto === null || released);
    const isQuiet = pendingMerges.length === 0 && this.pager.unfinished.length === 0;
    return ended && (this.wantsSuccessor() || isQuiet) && !this.mustPassOn();
  }

  wantsSuccessor(): boolean {
    return this.state.held.length > 0 && this.absorbing === 0 && !this.isForwarding();
  }

  private isForwarding(): boolean {
    return this.state.mergedInto !== null && !this.state.released;
  }

  /** Long histories are continued, when no effect is under way but those that can be begun anew. */
  private mustContinue(): boolean {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    const long = continueAsNewSuggested || historyLength >= LONG_HISTORY_BEFORE || this.isLong;
    return long && this.absorbing === 0 && this.commands.length === 0 && allHandlersFinished();
  }

  isDrained(): boolean {
    return nextBatch(this.state) === null;
  }

  private async runCommands(): Promise<void> {
    for (let next = this.nextCommand(); next; next = this.nextCommand()) {
      if (next.type === 'page') await this.pager.page(next);
      else if (next.type === 'stop') await this.pager.stop(next);
      else void this.absorb(next);
    }
    this.paging = false;
  }

  /** Stops go first: whoever they are for must not wait for a page of others. */
  private nextCommand(): IncidentCommand | undefined {
    const stop = this.commands.findIndex(({ type }) => type === 'stop');
    if (stop > 0 && patched('stops-first')) return this.commands.splice(stop, 1)[0];
    return this.commands.shift();
  }

  /** What an event asks for goes before whatever waits. */
  applyFirst(event: IncidentEvent): void {
    const waiting = this.commands.splice(0);
    this.apply(event);
    this.commands.push(...waiting);
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
      const isNext = !this.isDrained();
      await condition(() => !this.paging && !this.isDrained());
      const batch = nextBatch(this.state);
      if (!batch) continue;
      show(this.state.view);
      if (await this.store(batch, isNext)) this.state = dropBatch(this.state, batch);
    }
  }

  /** Retried for ever; what the projection refuses for good is tried again slowly, since a repair may come. */
  private async store(batch: Batch, isNext: boolean): Promise<boolean> {
    const { accountId } = this.state.view;
    try {
      await this.writer.write({ accountId, ...batch }, isNext);
      return true;
    } catch (error) {
      if (isCancellation(error)) throw error;
      log.error('projection refused', { reason: rootCause(error) });
      await sleep('5 minutes');
      return false;
    }
  }
}
