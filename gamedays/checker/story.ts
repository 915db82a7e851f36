import type {
  AnswerRecord,
  ReceivedRecord,
  RunRecords,
  SentRecord,
  ServiceExpectation,
} from '../ledgers/records.ts';
import type { Limits } from './limits.ts';

/** What is certain and what is possible: an attempt without an answer may have counted. */
interface Span {
  /** It cannot have counted before. */
  readonly possibleAt: number;
  /** It has counted by then; null: perhaps never. */
  readonly certainAt: number | null;
  /** An attempt had no answer: it may count once more at any later time, when what held it up lets it go. */
  readonly loose: boolean;
}

/** One event with all its attempts. */
export interface EventStory extends Span {
  readonly eventId: string;
  readonly action: SentRecord['action'];
  /** Every attempt was certainly not taken. */
  readonly refused: boolean;
}

/** What ended the paging, or may have. */
export interface Stop extends Span {
  readonly kind: 'acknowledge' | 'resolve';
  readonly by: 'event' | 'person';
}

/** One opening of an incident: from a trigger to what resolves it. */
export interface Episode {
  readonly opened: Span;
  /** In the order in which they were possible. */
  readonly stops: readonly Stop[];
  /** Another trigger or answer was so near that it may not have been an episode of its own, or was not one alone. */
  readonly ambiguous: boolean;
}

/** Everything about one key. */
export interface KeyStory {
  readonly key: string;
  readonly service: ServiceExpectation | undefined;
  readonly events: readonly EventStory[];
  readonly episodes: readonly Episode[];
  /** A trigger may have counted once more after everything else, so that an incident too many proves nothing. */
  readonly loose: boolean;
  /** By time. */
  readonly pages: readonly ReceivedRecord[];
}

/** Reads the ledgers key by key. */
export function tellStories(
  run: Pick<RunRecords, 'world' | 'sent' | 'answers' | 'received'>,
  limits: Limits,
): ReadonlyMap<string, KeyStory> {
  const sent = Map.groupBy(run.sent, ({ key }) => key);
  const answers = byKey(run.answers);
  const pages = byKey([...run.received].sort((a, b) => a.at - b.at));
  const keys = new Set([...sent.keys(), ...pages.keys()]);
  return new Map(
    [...keys].map((key) => {
      const attempts = sent.get(key) ?? [];
      const events = eventsOf(attempts);
      const [first] = attempts;
      const story: KeyStory = {
        key,
        events,
        loose: events.some(({ action, loose }) => action === 'trigger' && loose),
        service: first && run.world.services[first.service],
        episodes: episodesOf(events, answers.get(key) ?? [], limits.settleMs),
        pages: pages.get(key) ?? [],
      };
      return [key, story];
    }),
  );
}

function byKey<T extends { readonly keys: readonly string[] }>(records: readonly T[]) {
  const found = new Map<string, T[]>();
  for (const record of records)
    for (const key of record.keys) {
      const list = found.get(key);
      if (list) list.push(record);
      else found.set(key, [record]);
    }
  return found;
}

function eventsOf(attempts: readonly SentRecord[]): readonly EventStory[] {
  const events = [...Map.groupBy(attempts, ({ eventId }) => eventId).values()].map(eventOf);
  return events.sort((a, b) => a.possibleAt - b.possibleAt);
}

function eventOf(attempts: readonly SentRecord[]): EventStory {
  const [first] = attempts;
  if (!first) throw new RangeError('an event has at least one attempt');
  const accepted = attempts.filter(({ status }) => status === 202).map(({ endedAt }) => endedAt);
  const possible = attempts.filter((attempt) => mayHaveCounted(attempt));
  const { eventId, action } = first;
  return {
    ...{ eventId, action, refused: possible.length === 0 },
    loose: possible.some(({ status }) => status !== 202),
    possibleAt: Math.min(...(possible.length > 0 ? possible : attempts).map((one) => one.sentAt)),
    certainAt: accepted.length > 0 ? Math.min(...accepted) : null,
  };
}

/** A 4xx is a decision; a 5xx or silence is none: what failed may have been stored all the same. */
function mayHaveCounted({ status, unsent }: SentRecord): boolean {
  return !unsent && (status === null || status === 202 || status >= 500);
}

type Step =
  | { readonly what: 'trigger'; readonly span: Span }
  | { readonly what: 'stop'; readonly stop: Stop; readonly span: Span; readonly about: About };

/** Which opening a stop is about. */
interface About {
  /** The one that was open then; Infinity: whichever is open. */
  readonly at: number;
  /** It may be about a later one as well. */
  readonly loosely: boolean;
}

function episodesOf(
  events: readonly EventStory[],
  answers: readonly AnswerRecord[],
  settleMs: number,
): readonly Episode[] {
  const begunAt = Math.min(Infinity, ...events.map(({ possibleAt }) => possibleAt));
  const steps: Step[] = [
    ...events.filter(({ refused }) => !refused).map(stepOfEvent),
    ...answers
      .filter(({ result }) => result !== 'refused')
      .map((answer) => stepOfAnswer(answer, begunAt)),
  ];
  steps.sort((a, b) => a.span.possibleAt - b.span.possibleAt);
  const episodes: Building[] = [];
  for (const step of steps) tell(episodes, step, settleMs);
  return episodes;
}

interface Building {
  opened: Span;
  stops: Stop[];
  ambiguous: boolean;
}

function tell(episodes: Building[], step: Step, settleMs: number): void {
  const current = episodes.at(-1);
  if (step.what === 'stop') {
    tellStop(episodes, step);
    return;
  }
  const resolve = current?.stops.find(({ kind }) => kind === 'resolve');
  if (!current || resolve) {
    const unsure =
      resolve !== undefined &&
      (resolve.loose ||
        resolve.certainAt === null ||
        step.span.possibleAt < resolve.certainAt + settleMs);
    // Where the resolve may not have counted, or not yet, the trigger may have gone to the incident before.
    if (unsure && current) current.ambiguous = true;
    episodes.push({ opened: step.span, stops: [], ambiguous: unsure });
    return;
  }
  const certainAt = earliest(current.opened.certainAt, step.span.certainAt);
  current.opened = { ...current.opened, certainAt };
}

function tellStop(episodes: readonly Building[], { stop, about }: Step & { what: 'stop' }): void {
  const current = episodes.at(-1);
  const meant = episodes.findLast(({ opened }) => opened.possibleAt <= about.at) ?? current;
  meant?.stops.push(stop);
  if (meant !== current && about.loosely) current?.stops.push({ ...stop, certainAt: null });
}

function earliest(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}

function stepOfEvent(event: EventStory): Step {
  if (event.action === 'trigger') return { what: 'trigger', span: event };
  const { possibleAt, certainAt, loose } = event;
  const stop: Stop = { kind: event.action, by: 'event', possibleAt, certainAt, loose };
  return { what: 'stop', stop, span: event, about: { at: Infinity, loosely: false } };
}

function stepOfAnswer(answer: AnswerRecord, begunAt: number): Step {
  const { action, via, pageAt, sentAt, endedAt, result } = answer;
  const certainAt = result === 'accepted' ? endedAt : null;
  const loose = result === 'unknown';
  // Meant for another alert, it counted for this one when it arrived.
  const isStray = pageAt < begunAt;
  const possibleAt = isStray ? endedAt : sentAt;
  const stop: Stop = { kind: action, by: 'person', possibleAt, certainAt, loose };
  if (isStray) return { what: 'stop', stop, span: stop, about: { at: Infinity, loosely: false } };
  // A text without a code answers what the person was told of last.
  return { what: 'stop', stop, span: stop, about: { at: pageAt, loosely: via === 'sms' } };
}
