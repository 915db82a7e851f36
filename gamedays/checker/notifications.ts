import type { ReceivedRecord } from '../ledgers/records.ts';
import type { CheckContext } from './context.ts';
import type { KeyStory } from './story.ts';

/** One contact method, one opening of an incident. */
export interface Notification {
  /** All copies, by time. */
  readonly pages: readonly ReceivedRecord[];
  /** How many there should be: in how many steps the person is. */
  readonly wanted: number;
}

/** What went out about one alert. */
export function notificationsOf(context: CheckContext, story: KeyStory): readonly Notification[] {
  const copies = Map.groupBy(story.pages, (page) => {
    const n = story.episodes.findLastIndex(({ opened }) => opened.possibleAt <= page.at);
    return `${n} ${page.channel} ${page.address}`;
  });
  return [...copies.values()].map((pages) => {
    return { pages, wanted: timesWanted(context, story, pages[0]) };
  });
}

function timesWanted(
  { personAt }: CheckContext,
  { service }: KeyStory,
  page: ReceivedRecord | undefined,
): number {
  const name = (page && personAt(page)) ?? '';
  const steps = service?.steps.filter(({ people }) => people.includes(name)) ?? [];
  return Math.max(1, steps.length);
}
