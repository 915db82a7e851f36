import type { FaultWindow } from '../ledgers/records.ts';
import type { CheckContext } from './context.ts';
import { judgedEpisodes, stoppedAt, type JudgedEpisode } from './paging-checks.ts';

/** From the acceptance of each alert to its first message on the channels of one fault, milliseconds. */
export interface ChannelTimes {
  readonly window: FaultWindow;
  readonly channels: readonly string[];
  /** Of what was accepted while it was on. */
  readonly meanwhileMs: readonly number[];
  /** The same channels in the same run, with no fault near. */
  readonly usualMs: readonly number[];
}

/** One for each fault that messages can meet, by time. Whoever has none of its channels is left out. */
export function timeChannels(context: CheckContext): readonly ChannelTimes[] {
  const episodes = judgedEpisodes(context);
  return context.run.faults.flatMap((window) => {
    const { channels, from, to } = window;
    if (!channels || to === null) return [];
    const timed = episodes.flatMap((one) => {
      const at = firstOn(context, one, channels);
      return at === null ? [] : [{ acceptedAt: one.acceptedAt, at }];
    });
    const waitedMs = (of: typeof timed) => of.map(({ acceptedAt, at }) => at - acceptedAt);
    return [
      {
        ...{ window, channels },
        meanwhileMs: waitedMs(timed.filter((one) => one.acceptedAt >= from && one.acceptedAt < to)),
        usualMs: waitedMs(timed.filter((one) => !context.clock.near(one.acceptedAt, one.at))),
      },
    ];
  });
}

/** When the first step's people had the first message there; null: they had none before an answer made it needless. */
function firstOn(
  { stories, personAt }: CheckContext,
  { key, episode, acceptedAt, steps: [first] }: JudgedEpisode,
  channels: readonly string[],
): number | null {
  const until = stoppedAt(episode);
  const page = stories
    .get(key)
    ?.pages.find(
      (one) =>
        one.at >= acceptedAt &&
        one.at < until &&
        channels.includes(one.channel) &&
        first?.people.includes(personAt(one) ?? ''),
    );
  return page?.at ?? null;
}
