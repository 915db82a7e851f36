import type { CheckContext } from './context.ts';
import { judgedEpisodes, stoppedAt } from './paging-checks.ts';

/** How long the first page of one opening of an incident took, milliseconds. */
export interface FirstPage {
  /** Milliseconds since 1970. */
  readonly acceptedAt: number;
  /** From the acceptance until it came, or until it was not needed any more or nobody looked any more. */
  readonly waitedMs: number;
  /** The same without the times when paging was impossible. */
  readonly possibleMs: number;
  readonly came: boolean;
}

/** Of every opening that is certain, unless a message named too few incidents to tell. */
export function firstPages(context: CheckContext): readonly FirstPage[] {
  const { clock, run } = context;
  return judgedEpisodes(context).flatMap(({ episode, acceptedAt, steps: [first] }) => {
    if (!first || (first.pagedAt === null && first.summarized)) return [];
    const until = first.pagedAt ?? Math.min(stoppedAt(episode), run.observedUntil);
    return [
      {
        acceptedAt,
        waitedMs: Math.max(0, until - acceptedAt),
        possibleMs: Math.max(0, clock.runningMs(acceptedAt, until)),
        came: first.pagedAt !== null,
      },
    ];
  });
}
