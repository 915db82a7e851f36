import type { User } from '../../domain/model.ts';
import type { BookedPage } from './day-book.ts';
import type { Expectation, ExpectedMessage } from './expectation.ts';
import type { SeedPlan } from './plan.ts';

const MINUTE = 60_000;
/** A message whose page ends so soon after it was due may have been sent or not. */
export const RACE_MS = 2000;

interface Due {
  readonly dueMs: number;
  readonly endMs: number;
  readonly to: string;
  /** By a notification rule with a delay. */
  readonly isTimed: boolean;
  /** Not the first way by which a person is told of this page. */
  readonly isFurther: boolean;
}

/** Each person's messages about each page, by their notification rules, as long as the page is open. */
export function messagesOf(
  plan: SeedPlan,
  pages: readonly BookedPage[],
  untilMs: number,
): Pick<Expectation, 'messages' | 'timers'> {
  const people = new Map(plan.account.users.map((user) => [user.id, user]));
  const due = pages
    .flatMap((page) =>
      page.people.flatMap((id) => {
        const user = people.get(id);
        return user ? ofPerson(plan, user, page) : [];
      }),
    )
    .filter(({ dueMs, endMs }) => dueMs < endMs && dueMs <= untilMs)
    .sort((a, b) => a.dueMs - b.dueMs);
  const timers = due.filter(({ isTimed }) => isTimed);
  return {
    messages: spaced(due, plan.urgency === 'low', untilMs),
    timers: timers.map(({ dueMs }) => ({ kind: 'notification rule', dueMs })),
  };
}

function ofPerson({ urgency }: SeedPlan, user: User, page: BookedPage): readonly Due[] {
  const rules = user.notificationRules.filter((rule) => rule.urgency === urgency);
  const first = Math.min(...rules.map((rule) => rule.startDelayInMinutes));
  return rules.map(({ contactMethodId, startDelayInMinutes }) => ({
    dueMs: page.atMs + startDelayInMinutes * MINUTE,
    endMs: page.endMs,
    to: user.contactMethods.find(({ id }) => id === contactMethodId)?.address ?? '',
    isTimed: startDelayInMinutes > 0,
    isFurther: startDelayInMinutes > first,
  }));
}

/** What is not urgent, and further ways, reach one address once a minute: the next waits until the minute is over. */
function spaced(all: readonly Due[], isLow: boolean, untilMs: number): readonly ExpectedMessage[] {
  const last = new Map<string, number>();
  const messages: ExpectedMessage[] = [];
  for (const { dueMs, endMs, to, isFurther } of all) {
    const waitsUntil = isLow || isFurther ? (last.get(to) ?? -Infinity) + MINUTE : -Infinity;
    const leavesMs = Math.max(dueMs, waitsUntil);
    if (leavesMs >= endMs || leavesMs > untilMs) continue;
    last.set(to, leavesMs);
    messages.push({ dueMs: leavesMs, to, optional: endMs - leavesMs < RACE_MS });
  }
  return messages.sort((a, b) => a.dueMs - b.dueMs);
}
