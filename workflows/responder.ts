import {
  condition,
  continueAsNew,
  log,
  patched,
  setDefaultSignalHandler,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import { RESPONDER } from '../domain/messages.ts';
import type { Receipt } from '../domain/receipt.ts';
import {
  isFinished,
  nextWake,
  openPages,
  plan,
  replyOutcome,
  startResponder,
  take,
} from '../domain/responder/reduce.ts';
import { isAboutEarlier, isTooSoon } from '../domain/responder/replies.ts';
import { awaitsReceipt, isAwaited } from '../domain/responder/receipts.ts';
import type {
  Delivery,
  OptOut,
  Page,
  Reply,
  ResponderCommand,
  ResponderEvent,
  ResponderInput,
  ResponderState,
  StopPages,
} from '../domain/responder/types.ts';
import { nowMs } from './clock.ts';
import { EntryWriter } from './entry-writer.ts';
import { answerReads } from './reads.ts';
import { ask, send, tell } from './responder-activities.ts';

/** Log entries in one write. */
const BATCH = 100;
/** Above this many events an idle responder that has written its log starts a fresh history. */
const LONG_HISTORY = 200;
/** Above this many an idle one does so although a write is stuck; the next run writes again. */
const LONGER_HISTORY = 300;
/** Above this it sends nothing new until what is under way has landed, and then starts a fresh history. */
const TOO_LONG_HISTORY = 2000;
/** The same two in histories of before `short-histories`: too long to be read again by the dozen. */
const BEFORE = { longer: 1000, tooLong: 10_000 };

/**
 * One for each user with open pages, by `responderWorkflowId`. Pages, stops and replies come as
 * signals; `domain/responder` decides; this file keeps the time and carries out the commands.
 */
export async function responder(input: ResponderInput): Promise<void> {
  const run = new Run(input);
  const { queries } = RESPONDER;
  answerReads({
    [queries.replyOutcome]: (replyId: string) => replyOutcome(run.state, replyId),
    [queries.openPages]: (pageIds: readonly string[]) => openPages(run.state, pageIds),
    [queries.state]: () => run.state,
  });
  // One handler for all signals: those that came before this run began are then taken in their order.
  setDefaultSignalHandler((name, content) => {
    const event = eventOf(name, content);
    if (event) run.receive(event);
    else log.warn('unknown signal ignored', { name });
  });
  void run.writeLog();
  for (;;) {
    const isHeld = isTooLong(input.historyLimit);
    await run.wait(isHeld);
    run.act(isHeld);
    if (run.underWay > 0) continue;
    if (isFinished(run.state, nowMs())) return;
    if (run.wantsFreshHistory()) {
      await continueAsNew<typeof responder>({ ...input, carried: run.state });
    }
  }
}

function isTooLong(limit: number | undefined): boolean {
  const { historyLength } = workflowInfo();
  if (limit !== undefined) return historyLength >= limit;
  if (historyLength < TOO_LONG_HISTORY) return false;
  return historyLength >= BEFORE.tooLong || patched('short-histories');
}

type AskReceipt = Extract<ResponderCommand, { type: 'askReceipt' }>;

/** What one run keeps beside the state: commands not yet begun, and how many are under way. */
class Run {
  state: ResponderState;
  underWay = 0;
  private commands: readonly ResponderCommand[] = [];
  private woken = false;
  private isWriting = false;

  constructor(input: ResponderInput) {
    this.state = startResponder(input, uuid4());
    this.woken = input.carried !== undefined;
  }

  /** Takes an event at once, so that queries see it; sending waits for the main loop, so that what came together is bundled. */
  receive(received: ResponderEvent): void {
    const event = this.versioned(received);
    // Histories of before receipts were awaited did not wake up for one.
    this.woken ||= event.type !== 'receipt' || isAwaited(this.state, event.deliveryId);
    try {
      const { state, commands } = take(this.state, event, { nowMs: nowMs(), chance: '' });
      this.state = state;
      this.commands = [...this.commands, ...commands];
    } catch (error) {
      // One message that cannot be read must not hold up the others.
      log.error('message ignored', { type: event.type, error: String(error) });
    }
  }

  /** A reply as the version of the code takes it that this history was begun with. */
  private versioned(event: ResponderEvent): ResponderEvent {
    if (event.type !== 'reply') return event;
    const { reply } = event;
    if (isAboutEarlier(this.state, reply, nowMs())) {
      return patched('unseen-pages') ? { ...event, isAboutEarlier: true } : event;
    }
    if (!isTooSoon(this.state, reply, nowMs())) return event;
    return patched('reading-time') ? { ...event, isTooSoon: true } : event;
  }

  /** Until something happened or, unless held, something is due. */
  async wait(isHeld: boolean): Promise<void> {
    if (this.woken) return;
    const due = isHeld ? null : nextWake(this.state, nowMs());
    if (due === null) await condition(() => this.woken);
    else await condition(() => this.woken, Math.max(1, due - nowMs()));
  }

  /** Begins all commands; those that a held run may not plan wait for the next run. */
  act(isHeld: boolean): void {
    this.woken = false;
    if (!isHeld) {
      const chance = `${uuid4()} ${uuid4()} ${uuid4()}`;
      const { state, commands } = plan(this.state, { nowMs: nowMs(), chance });
      this.state = state;
      this.commands = [...this.commands, ...commands];
    }
    for (const command of this.commands) void this.carryOut(command);
    this.commands = [];
  }

  private async carryOut(command: ResponderCommand): Promise<void> {
    this.underWay += 1;
    if (command.type === 'deliver') await this.deliver(command.delivery);
    else if (command.type === 'askReceipt') await this.askReceipt(command);
    else await tell(command);
    this.underWay -= 1;
    this.woken = true;
  }

  private async deliver(delivery: Delivery): Promise<void> {
    const outcome = await send(delivery);
    const awaits = awaitsReceipt(delivery, outcome) && patched('receipts');
    const { deliveryId } = delivery;
    this.receive({
      type: 'delivered',
      deliveryId,
      outcome,
      ...(awaits && { awaitsReceipt: true }),
    });
  }

  private async askReceipt({ deliveryId, query }: AskReceipt): Promise<void> {
    const state = await ask(query);
    if (state !== null) this.receive({ type: 'receipt', deliveryId, state });
  }

  /** Asked of an idle run only. */
  wantsFreshHistory(): boolean {
    const { historyLength, continueAsNewSuggested } = workflowInfo();
    if (continueAsNewSuggested) return true;
    if (!this.isWriting) return historyLength > LONG_HISTORY;
    if (historyLength <= LONGER_HISTORY) return false;
    return historyLength > BEFORE.longer || patched('short-histories');
  }

  /** Writes the outbox, beside the paging and for as long as the run lives. A next run writes what this one could not. */
  async writeLog(): Promise<never> {
    const writer = new EntryWriter();
    for (;;) {
      const isNext = this.state.outbox.length > 0;
      await condition(() => this.state.outbox.length > 0);
      const entries = this.state.outbox.slice(0, BATCH);
      this.isWriting = true;
      try {
        await writer.write({ accountId: this.state.accountId, view: null, entries }, isNext);
        this.isWriting = false;
        this.receive({ type: 'projected', entryIds: entries.map((entry) => entry.id) });
      } catch (error) {
        log.error('log entries refused', { error: String(error) });
        await condition(() => false, '1 minute');
      }
    }
  }
}

/** What a signal says; its sender is our own code, so its content is of that type. */
function eventOf(name: string, content: unknown): ResponderEvent | null {
  switch (name) {
    case RESPONDER.signals.page:
      return { type: 'page', page: content as Page };
    case RESPONDER.signals.stop:
      return { type: 'stop', stop: content as StopPages };
    case RESPONDER.signals.reply:
      return { type: 'reply', reply: content as Reply };
    case RESPONDER.signals.optOut:
      return { type: 'optOut', optOut: content as OptOut };
    case RESPONDER.signals.receipt: {
      const { deliveryId, state } = content as Receipt;
      return { type: 'receipt', deliveryId, state };
    }
    default:
      return null;
  }
}
