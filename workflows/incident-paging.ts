import {
  ActivityCancellationType,
  CancellationScope,
  condition,
  isCancellation,
  log,
  patched,
  rootCause,
} from '@temporalio/workflow';
import type { PageRequest } from '../activities/contract.ts';
import { isWanted } from '../domain/incident/paging.ts';
import type {
  IncidentCommand,
  IncidentEvent,
  IncidentState,
  PageResult,
} from '../domain/incident/types.ts';
import { Asides } from './asides.ts';
import { nowIso } from './clock.ts';
import { insisting, paging } from './incident-activities.ts';

type PageCommand = Extract<IncidentCommand, { type: 'page' }>;
type StopCommand = Extract<IncidentCommand, { type: 'stop' }>;

/** The incident as far as its pages need it. */
interface Run {
  readonly state: IncidentState;
  apply(event: IncidentEvent): void;
  applyFirst(event: IncidentEvent): void;
  tickIfDue(): boolean;
}

/** How far a page has come: for whom it is still to be tried, and whether its first result is in the state. */
interface Paging {
  readonly command: PageCommand;
  wanting: PageCommand;
  known: boolean;
}

/** Carries out pages and stops: at once, and where that fails beside everything else. */
export class IncidentPaging {
  private readonly run: Run;
  private readonly asides = new Asides();

  constructor(run: Run) {
    this.run = run;
  }

  /** What is still tried: the next run must begin it anew. */
  get unfinished(): readonly IncidentCommand[] {
    return this.asides.commands;
  }

  /** Tried once; then beside everything else, until all have it or an answer or the next step overtakes it. */
  async page(command: PageCommand): Promise<void> {
    const page: Paging = { command, wanting: command, known: false };
    const ending = this.overtaken();
    if (ending.length > 0) {
      this.asides.start(command, () => this.insistAfter(ending, page));
      return;
    }
    for (let attempt = 0; isWanted(this.run.state, command); attempt++) {
      const failure = await this.tryPage(page);
      if (failure === null) return;
      if (patched('page-aside')) {
        this.asides.start(command, () => this.insist(page));
        return;
      }
      // Histories of before the patch went on in the main loop.
      await this.pauseAfter(failure, command, attempt);
    }
    if (!page.known) this.giveUp(command);
  }

  /** Pages that end within seconds, since they are not wanted any more. */
  private overtaken(): readonly IncidentCommand[] {
    return this.unfinished.filter((command) => !isWanted(this.run.state, command));
  }

  /** What an overtaken page has reached must be known before the next one goes out. */
  private async insistAfter(ending: readonly IncidentCommand[], page: Paging): Promise<void> {
    await condition(() => !this.unfinished.some((command) => ending.includes(command)));
    await this.insist(page);
  }

  /** Null when everybody has it, else why not. */
  private async tryPage(page: Paging): Promise<string | null> {
    try {
      return this.take(page, await paging.page.executeWithOptions(...this.pageCall(page)));
    } catch (error) {
      if (isCancellation(error)) throw error;
      return rootCause(error) ?? 'unknown';
    }
  }

  private async insist(page: Paging): Promise<void> {
    const { command } = page;
    for (let attempt = 0; isWanted(this.run.state, command); attempt++) {
      const failure = await this.tryUntilOvertaken(page);
      if (failure === null) return;
      if (isWanted(this.run.state, command)) await this.pauseAfter(failure, command, attempt);
    }
    if (!page.known) this.giveUp(command);
  }

  /** A try that is under way when it is overtaken ends, so that what it has reached is known. */
  private async tryUntilOvertaken(page: Paging): Promise<string | null> {
    const scope = new CancellationScope();
    const end = { isReached: false };
    const reached = () => void (end.isReached = true);
    const [{ summary }, request] = this.pageCall(page);
    // The SDK's default, whatever its documentation says, is not to wait for what is under way.
    const cancellationType = patched('page-try-ends')
      ? ActivityCancellationType.WAIT_CANCELLATION_COMPLETED
      : ActivityCancellationType.TRY_CANCEL;
    const options = { summary, cancellationType };
    const trying = scope.run(() => insisting.page.executeWithOptions(options, request));
    trying.then(reached, reached);
    await condition(() => end.isReached || !isWanted(this.run.state, page.command));
    // Changes nothing in one that has ended.
    scope.cancel();
    try {
      return this.take(page, await trying);
    } catch (error) {
      return rootCause(error) ?? 'unknown';
    }
  }

  private pageCall({ command, wanting }: Paging): [{ summary: string }, [PageRequest]] {
    const { settings, view, traceparent } = this.run.state;
    const summary = `page rule ${command.ruleIndex + 1} · ${command.why}`;
    return [{ summary }, [{ command: wanting, settings, view, traceparent, at: nowIso() }]];
  }

  /**
   * From the first result on, those whom it may have reached are told to stop like all who are paged; the page is
   * tried again for those who did not take it.
   */
  private take(page: Paging, result: PageResult): string | null {
    if (!page.known) this.run.apply({ type: 'paged', result });
    page.known = true;
    const missing = result.unsignalled ?? [];
    page.wanting = { ...page.command, targets: missing.map((id) => ({ type: 'user', id })) };
    return missing.length > 0 ? `not taken by ${missing.join(', ')}` : null;
  }

  /** Its stop goes before whatever waits, so that it cannot end a later page of the same users. */
  private giveUp(command: PageCommand): void {
    this.run.applyFirst({ type: 'page_given_up', command });
  }

  private async pauseAfter(reason: string, command: PageCommand, attempt: number): Promise<void> {
    log.error('page failed, trying again', { attempt, reason });
    const overtaken = () => !isWanted(this.run.state, command);
    await condition(overtaken, Math.min(30_000, 1000 * 2 ** Math.min(attempt, 5)));
    this.run.tickIfDue();
  }

  /** Once; what fails is tried beside the rest. */
  async stop(command: StopCommand): Promise<void> {
    // Histories of before the patch have no such stop.
    if (command.lostTick === true && !patched('stops-lost-tick')) return;
    const { accountId, id } = this.run.state.view;
    const incidentId = command.incidentId ?? id;
    const request = { accountId, incidentId, command, at: nowIso() };
    try {
      await paging.stopPages(request);
    } catch (error) {
      if (isCancellation(error)) throw error;
      log.warn('stop failed', { reason: rootCause(error) });
      // Histories of before the patch gave it up.
      if (patched('stop-aside')) this.asides.start(command, () => insisting.stopPages(request));
    }
  }
}
