import type { CheckContext } from './context.ts';
import { judgedEpisodes, type JudgedEpisode } from './paging-checks.ts';

/**
 * By how much each later step was paged after its time where a fault was near, milliseconds without the times when
 * paging was impossible. A step's time counts from the first page where that came late itself: no incident was open
 * before.
 */
export function lateSteps(context: CheckContext): readonly number[] {
  const { clock } = context;
  return judgedEpisodes(context).flatMap((judged) =>
    judged.steps.slice(1).flatMap(({ afterMs, pagedAt }) => {
      if (pagedAt === null) return [];
      const due = openedAt(judged) + afterMs;
      const isUnderFault = pagedAt >= due && clock.near(due, pagedAt);
      return isUnderFault ? [clock.runningMs(due, pagedAt)] : [];
    }),
  );
}

/** What the first page itself takes on a busy machine. */
const FIRST_PAGE_MS = 1000;

function openedAt({ acceptedAt, steps: [first] }: JudgedEpisode): number {
  return Math.max(acceptedAt, (first?.pagedAt ?? acceptedAt) - FIRST_PAGE_MS);
}
