import type { AnswerRecord, ReceivedRecord } from '../ledgers/records.ts';
import type { CheckContext } from './context.ts';
import type { Finding, FindingKind } from './finding.ts';
import { COPIES_MAX } from './limits.ts';
import { notificationsOf } from './notifications.ts';
import type { Episode, KeyStory, Stop } from './story.ts';

/** Pages that nobody should have got, and those that came too often. */
export function checkMessages(context: CheckContext): readonly Finding[] {
  return [
    ...[...context.stories.values()].flatMap((story) => [
      ...story.pages.flatMap((page) => checkPage(context, story, page)),
      ...checkCopies(context, story),
    ]),
    ...context.run.answers.flatMap((answer) => checkAnswer(context, answer)),
  ];
}

/** Nobody answers what they have not been told of, as far as the product says that the answer counted for it. */
function checkAnswer(context: CheckContext, answer: AnswerRecord): readonly Finding[] {
  const { person, keys, sentAt, result } = answer;
  if (result !== 'accepted') return [];
  const summaries = context.summaries.get(person) ?? [];
  return keys.flatMap((key) => {
    const pages = context.stories.get(key)?.pages ?? [];
    const own = pages.filter((page) => context.personAt(page) === person);
    if ([...own, ...summaries].some(({ at }) => at <= sentAt)) return [];
    const text = `${person} was told at ${new Date(answer.endedAt).toISOString()} that it counts`;
    return [{ kind: 'answer to an unseen page', key, at: sentAt, text }];
  });
}

/** What is wrong with a page, if anything. */
type Fault = readonly [kind: FindingKind, text: string] | null;

function checkPage(
  context: CheckContext,
  story: KeyStory,
  page: ReceivedRecord,
): readonly Finding[] {
  const episode = story.episodes.findLast(({ opened }) => opened.possibleAt <= page.at);
  const fault = episode
    ? (wrongPerson(context, story, { episode, page }) ?? stopped(context, story, { episode, page }))
    : nothingOpen(story, page);
  if (!fault) return [];
  const [kind, text] = fault;
  const what = `${page.channel} by ${page.provider} to ${page.address}: ${text}`;
  return [{ kind, key: story.key, at: page.at, text: what }];
}

function nothingOpen({ events }: KeyStory, page: ReceivedRecord): Fault {
  const [first] = events;
  if (!first) return ['ghost: never sent', 'no client sent this key'];
  if (events.every(({ refused }) => refused))
    return ['ghost: only refused', 'the event was refused whenever it was sent'];
  return ['ghost: before sent', `sent only ${Math.ceil(first.possibleAt - page.at)} ms later`];
}

interface PageCase {
  readonly episode: Episode;
  readonly page: ReceivedRecord;
}

function wrongPerson(
  { personAt, clock }: CheckContext,
  { service }: KeyStory,
  { episode, page }: PageCase,
): Fault {
  const name = personAt(page);
  if (name === undefined) return ['unknown address', 'nobody has this address'];
  if (service?.steps.some(({ people }) => people.includes(name))) return null;
  // The catch-all is for when nobody else can be reached.
  const isLast = service?.lastResort.includes(name) ?? false;
  if (isLast && clock.near(episode.opened.possibleAt, page.at)) return null;
  return ['wrong person', `${name} is in no step of the policy`];
}

function stopped(
  { clock, limits }: CheckContext,
  story: KeyStory,
  { episode, page }: PageCase,
): Fault {
  const stop = firstCertain(
    episode.stops.filter(
      ({ by, certainAt }) => by === 'event' || !isOfLater(story, page, certainAt),
    ),
  );
  if (!stop || story.loose || episode.ambiguous || clock.wasHeld(page)) return null;
  // Without the engine nobody can decide, and what it had begun goes on when it is back.
  const afterMs = clock.runningMs(stop.certainAt, page.at);
  const limit = clock.near(stop.certainAt, page.at) ? limits.ghostInFaultMs : limits.ghostMs;
  if (afterMs <= limit) return null;
  const kind = stop.by === 'person' ? 'ghost: after answer' : 'ghost: after resolve';
  return [kind, `${(afterMs / 1000).toFixed(1)} s after the ${stop.kind}`];
}

/**
 * An answer is about an incident of which there had been a page. While events wait for the engine, people may answer the
 * incident before the one that has been due since.
 */
function isOfLater({ key, pages }: KeyStory, page: ReceivedRecord, answeredAt: number | null) {
  const number = page.numbers[key];
  if (number === undefined || answeredAt === null) return false;
  return pages.every(({ at, numbers }) => at > answeredAt || numbers[key] !== number);
}

function firstCertain(stops: readonly Stop[]): (Stop & { readonly certainAt: number }) | undefined {
  return stops
    .flatMap((stop) => (stop.certainAt === null ? [] : [{ ...stop, certainAt: stop.certainAt }]))
    .sort((a, b) => a.certainAt - b.certainAt)[0];
}

function checkCopies(context: CheckContext, story: KeyStory): readonly Finding[] {
  return notificationsOf(context, story).flatMap(({ pages, wanted }) => {
    const [first] = pages;
    const third = pages[COPIES_MAX * wanted];
    if (!first || !third) return [];
    const providers = pages.map(({ provider }) => provider).join(', ');
    const text = `${pages.length} copies to ${first.address} by ${providers}`;
    return [{ kind: 'too many copies', key: story.key, at: third.at, text } as const];
  });
}
