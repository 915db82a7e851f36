import type { ReceivedRecord } from '../ledgers/records.ts';
import type { CheckContext } from './context.ts';
import type { Finding } from './finding.ts';
import { judgedEpisodes, stoppedAt, type JudgedEpisode } from './paging-checks.ts';

/** What follows sooner is part of the same notification. */
const APART_MS = 30_000;

/** Messages of which the vendor told nothing, and that nobody answered: the person has to be told by another way. */
export function checkSilence(context: CheckContext): readonly Finding[] {
  const silenced = context.run.faults.filter(({ silences }) => silences);
  if (silenced.length === 0) return [];
  const isSilent = ({ provider, channel, at }: ReceivedRecord) =>
    silenced.some(
      ({ silences, from, to }) =>
        silences?.provider === provider &&
        silences.channels.includes(channel) &&
        at >= from &&
        at < (to ?? Infinity),
    );
  return judgedEpisodes(context).flatMap((judged) => {
    const pages = context.stories.get(judged.key)?.pages ?? [];
    const silent = pages.filter((page) => page.at >= judged.acceptedAt && isSilent(page));
    return silent.flatMap((page) => checkOne(context, judged, { page, pages }));
  });
}

function checkOne(
  { run, limits, personAt }: CheckContext,
  { key, episode, acceptedAt, steps }: JudgedEpisode,
  { page, pages }: { readonly page: ReceivedRecord; readonly pages: readonly ReceivedRecord[] },
): readonly Finding[] {
  const person = personAt(page) ?? '';
  const until = page.at + limits.silenceMs;
  const step = steps.findIndex(({ people }) => people.includes(person));
  const nextAt = acceptedAt + (steps[step + 1]?.afterMs ?? Infinity);
  // Where somebody answers, or the next step comes, nobody has to be told once more.
  if (Math.min(stoppedAt(episode), nextAt, run.observedUntil) <= until) return [];
  const others = pages.filter((one) => personAt(one) === person);
  if (others.some(({ at }) => Math.abs(at - page.at) > APART_MS && at <= until)) return [];
  const text = `${page.channel} by ${page.provider} to ${page.address}, and nothing after it`;
  return [{ kind: 'silence not noticed', key, at: until, text }];
}
