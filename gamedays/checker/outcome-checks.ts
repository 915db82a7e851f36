import type { FinalIncident } from '../ledgers/records.ts';
import type { CheckContext } from './context.ts';
import type { Finding } from './finding.ts';
import type { KeyStory, Stop } from './story.ts';

/** What the product says in the end, against what it had answered. */
export function checkOutcomes({ run, stories, limits }: CheckContext): readonly Finding[] {
  if (run.finals === null) return [];
  const byKey = Map.groupBy(run.finals, ({ key }) => key);
  const unknown = [...byKey.keys()].filter((key) => !stories.get(key)?.events.length);
  const settledBy = run.observedUntil - limits.settleMs;
  return [
    ...unknown.map((key): Finding => {
      const text = 'the product has an incident that no client opened';
      return { kind: 'incident from nowhere', key, at: run.observedUntil, text };
    }),
    ...[...stories.values()].flatMap((story) =>
      checkFinals(story, byKey.get(story.key) ?? [], settledBy),
    ),
  ];
}

function checkFinals(
  story: KeyStory,
  finals: readonly FinalIncident[],
  settledBy: number,
): readonly Finding[] {
  const { key, episodes, loose } = story;
  const at = settledBy;
  const found: Finding[] = [];
  const certain = episodes.filter(
    ({ opened, ambiguous }) => opened.certainAt !== null && !ambiguous,
  );
  if (finals.length < certain.length) {
    const text = `clients were told of ${certain.length} opened incident(s), and there are ${finals.length}`;
    found.push({ kind: 'lost', key, at: certain.at(-1)?.opened.certainAt ?? at, text });
  }
  if (finals.length > episodes.length && !loose && episodes.length > 0) {
    const text = `${finals.length} incidents, and clients opened ${episodes.length}`;
    found.push({ kind: 'doubled incident', key, at, text });
  }
  if (loose || episodes.some(({ ambiguous }) => ambiguous)) return found;
  const stops = episodes.at(-1)?.stops ?? [];
  const open = finals.find(({ status }) => status !== 'resolved');
  return open ? [...found, ...checkOpen(key, open, stops, settledBy)] : found;
}

function checkOpen(
  key: string,
  { status, id }: FinalIncident,
  stops: readonly Stop[],
  settledBy: number,
): readonly Finding[] {
  const counted = stops.filter(({ certainAt }) => certainAt !== null && certainAt <= settledBy);
  const resolve = counted.find(({ kind }) => kind === 'resolve');
  const text = `${id} is ${status} in the end`;
  const at = settledBy;
  if (resolve) {
    const kind = resolve.by === 'person' ? 'answer not effective' : 'resolve not effective';
    return [{ kind, key, at, text }];
  }
  if (status === 'triggered' && counted.length > 0)
    return [{ kind: 'answer not effective', key, at, text }];
  if (status === 'acknowledged' && stops.length === 0)
    return [{ kind: 'answer from nowhere', key, at, text }];
  return [];
}
