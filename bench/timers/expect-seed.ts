import { DayBook } from './day-book.ts';
import type { Expectation, MadeMove } from './expectation.ts';
import { messagesOf } from './expect-messages.ts';
import type { SeedPlan } from './plan.ts';
import type { Stretch } from './stretches.ts';

/**
 * What PagerDuty's rules make of a seed's moves until `untilMs`: written anew and without any of the product's code,
 * to compare the product with.
 */
export function expectSeed(
  plan: SeedPlan,
  moves: readonly MadeMove[],
  { clockOf, untilMs }: Pick<Stretch, 'clockOf'> & { readonly untilMs: number },
): Expectation {
  const book = new DayBook(plan, clockOf);
  for (const { atMs, move } of moves) {
    book.pass(atMs);
    book.take(move, atMs);
  }
  book.pass(untilMs);
  const { messages, timers } = messagesOf(plan, book.pages, untilMs);
  const all = [...book.timers, ...timers].sort((a, b) => a.dueMs - b.dueMs);
  return { messages, entries: book.entries, idle: book.idle, timers: all };
}
