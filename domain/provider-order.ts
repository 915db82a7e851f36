import type { Admission } from './breaker.ts';

/** A provider of a channel, as the order sees it. */
export interface Candidate {
  readonly id: string;
  readonly admission: Admission;
}

/** What decides about one message’s order. */
export interface Turn {
  /** Providers that are not asked. */
  readonly avoid: readonly string[];
  /** Percent of the messages that go to another than the first provider first, so that it is known to work. */
  readonly sharePercent: number;
  /** 0 (included) to 1 (excluded), the same on each try of one message, and evenly spread over messages. */
  readonly lot: number;
  /** How many messages of the same channel leave for the person at the same time before this one. */
  readonly turn: number;
}

/**
 * The ids of the providers in the order in which they are asked for one message. One that comes back from an
 * outage tries a message first; those that are down come last; those that may not be asked are left out.
 */
export function providerOrder(candidates: readonly Candidate[], turn: Turn): readonly string[] {
  const open = candidates.filter(({ id }) => !turn.avoid.includes(id));
  const of = (wanted: Admission) =>
    open.filter(({ admission }) => admission === wanted).map(({ id }) => id);
  // One trial a message: two providers that are both on trial would cost it twice.
  const [trial, ...moreTrials] = of('trial');
  return [
    ...(trial === undefined ? [] : [trial]),
    ...shared(inTurn(of('free'), turn), turn),
    ...moreTrials,
    ...of('doubtful'),
    ...of('last'),
  ];
}

/** Two numbers at once go by two vendors: one that loses messages unnoticed then loses half of them. */
function inTurn(ids: readonly string[], { turn }: Turn): readonly string[] {
  const first = ids.length === 0 ? 0 : turn % ids.length;
  return [...ids.slice(first), ...ids.slice(0, first)];
}

/** For the share of messages that the lot falls on, one of the others changes places with the first. */
function shared(ids: readonly string[], { sharePercent, lot }: Turn): readonly string[] {
  const share = sharePercent / 100;
  const [first, ...others] = ids;
  if (first === undefined || others.length === 0 || lot >= share) return ids;
  const chosen = others[Math.floor((lot / share) * others.length)];
  if (chosen === undefined) return ids;
  return [chosen, first, ...others.filter((id) => id !== chosen)];
}
