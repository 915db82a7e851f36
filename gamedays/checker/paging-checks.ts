import type { CheckContext } from './context.ts';
import type { Finding } from './finding.ts';
import type { Episode, KeyStory } from './story.ts';

/** When each step of one episode was paged, as far as the ledger tells. */
interface StepTimes {
  readonly afterMs: number;
  readonly people: readonly string[];
  /** Null: it was not. */
  readonly pagedAt: number | null;
  /** A message named too few to tell. */
  readonly summarized: boolean;
}

/** Missed and late pages, and escalations at the wrong time or not at all. */
export function checkPaging(context: CheckContext): readonly Finding[] {
  return judgedEpisodes(context).flatMap((judged) => checkEpisode(context, judged));
}

/** Every opening of an incident that is certain, with its steps. */
export function judgedEpisodes(context: CheckContext): readonly JudgedEpisode[] {
  return [...context.stories.values()].flatMap((story) =>
    story.episodes.flatMap((episode, n) => {
      const { certainAt } = episode.opened;
      if (certainAt === null || episode.ambiguous || !story.service) return [];
      const until = story.episodes[n + 1]?.opened.possibleAt ?? Infinity;
      const steps = stepTimes(context, story, episode, until);
      return [{ key: story.key, episode, acceptedAt: certainAt, steps }];
    }),
  );
}

function stepTimes(
  context: CheckContext,
  { pages, service }: KeyStory,
  { opened }: Episode,
  until: number,
): readonly StepTimes[] {
  const own = pages.filter(({ at }) => at >= opened.possibleAt && at < until);
  return (service?.steps ?? []).map(({ afterMs, people }) => {
    const isOne = (name: string | undefined): boolean =>
      name !== undefined && people.includes(name);
    const summaries = people.flatMap((name) => context.summaries.get(name) ?? []);
    return {
      ...{ afterMs, people },
      pagedAt: own.find((page) => isOne(context.personAt(page)))?.at ?? null,
      summarized: summaries.some(({ at }) => at >= opened.possibleAt && at < until),
    };
  });
}

export interface JudgedEpisode {
  readonly key: string;
  readonly episode: Episode;
  readonly acceptedAt: number;
  readonly steps: readonly StepTimes[];
}

function checkEpisode(context: CheckContext, judged: JudgedEpisode): readonly Finding[] {
  const { key } = judged;
  return judged.steps.flatMap((step, n) => {
    const dueAt = dueTime(judged, n);
    const early = checkEarly(context, key, { step, judged, n });
    if (early) return [early];
    const late = checkLate(context, key, { step, judged, n, dueAt });
    return late ? [late] : [];
  });
}

/** A step is counted from when the one before was really paged: nobody is passed over unheard. */
function dueTime({ acceptedAt, steps }: JudgedEpisode, n: number): number {
  const own = steps[n];
  const before = steps[n - 1];
  if (!own || !before) return acceptedAt;
  const planned = acceptedAt + own.afterMs;
  if (before.pagedAt === null) return planned;
  return Math.max(planned, before.pagedAt + own.afterMs - before.afterMs);
}

interface JudgedStep {
  readonly step: StepTimes;
  readonly judged: JudgedEpisode;
  readonly n: number;
}

function checkEarly(
  { clock, limits }: CheckContext,
  key: string,
  { step, judged, n }: JudgedStep,
): Finding | null {
  const { possibleAt } = judged.episode.opened;
  const soonest = possibleAt + step.afterMs - limits.earlyMs;
  if (n === 0 || step.pagedAt === null || step.pagedAt >= soonest) return null;
  // Whoever could not be reached is passed over at once.
  if (clock.near(possibleAt, step.pagedAt)) return null;
  const text = `step ${n + 1} was paged ${seconds(soonest - step.pagedAt)} before its time`;
  return { kind: 'early escalation', key, at: step.pagedAt, text };
}

function checkLate(
  context: CheckContext,
  key: string,
  { step, judged, n, dueAt }: JudgedStep & { readonly dueAt: number },
): Finding | null {
  const { clock, run } = context;
  const limit = (to: number): number => limitOf(context, n, clock.near(judged.acceptedAt, to));
  const until = step.pagedAt ?? Math.min(stoppedAt(judged.episode), run.observedUntil);
  const waited = clock.runningMs(dueAt, until);
  if (until < dueAt || waited <= limit(until)) return null;
  if (step.pagedAt === null) {
    if (step.summarized) return null;
    return missed(key, judged, n);
  }
  const kind = n === 0 ? 'late page' : 'late escalation';
  const text = `step ${n + 1} was paged ${seconds(waited)} after it was due`;
  return { kind, key, at: step.pagedAt, text };
}

function limitOf({ limits }: CheckContext, n: number, faultNear: boolean): number {
  if (n === 0) return faultNear ? limits.pageInFaultMs : limits.pageMs;
  return faultNear ? limits.stepInFaultMs : limits.stepMs;
}

/** From here on no page was needed, if what may have stopped it did. */
export function stoppedAt({ stops }: Episode): number {
  return Math.min(Infinity, ...stops.map(({ possibleAt }) => possibleAt));
}

function missed(key: string, judged: JudgedEpisode, n: number): Finding {
  const later = judged.steps.slice(n + 1).some(({ pagedAt }) => pagedAt !== null);
  const names = judged.steps[n]?.people.join(', ') ?? '';
  const text = `step ${n + 1} (${names}) was not paged`;
  const at = judged.acceptedAt;
  if (later) return { kind: 'skipped escalation', key, at, text };
  if (n > 0) return { kind: 'missed escalation', key, at, text };
  return { kind: 'missed page', key, at, text };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
