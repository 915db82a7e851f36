import type { SentRecord } from '../ledgers/records.ts';
import { keyOfAlert } from '../ledgers/received.ts';
import type { Random } from '../random.ts';

/** How much is sent. Arrivals are at fixed times, whatever becomes of earlier ones (open loop). */
export interface LoadShape {
  /** From the first alert to the last new one. */
  readonly durationMs: number;
  /** New alerts a second, each with a key of its own. */
  readonly newPerSec: number;
  /** Repeats of a trigger, on average, within the first minute. */
  readonly repeats: number;
  /** Share of alerts that resolve by themselves; the others are left to people. */
  readonly resolving: number;
  /** Share of the resolving ones that come again. */
  readonly reopening: number;
  /** How long an alert is on before it resolves. */
  readonly onMs: readonly [from: number, to: number];
  /** Share of alerts that the first person does not answer. */
  readonly ignored: number;
  /** Share of answers that resolve rather than acknowledge, of alerts that do not resolve by themselves. */
  readonly resolvingAnswers: number;
  /** Time from the message to the answer. */
  readonly thinkMs: readonly [from: number, to: number];
}

export interface PlannedEvent {
  readonly eventId: string;
  readonly action: SentRecord['action'];
  /** After the start of the run; and never before the answer to the event before it. */
  readonly atMs: number;
}

/** What a person does about an alert, once. */
export interface Decision {
  readonly action: 'acknowledge' | 'resolve';
  /** After the message came. */
  readonly thinkMs: number;
}

export interface AlertScript {
  readonly key: string;
  readonly service: string;
  readonly events: readonly PlannedEvent[];
  /** By step of the policy; null: that person does not answer. */
  readonly decisions: readonly (Decision | null)[];
}

/** The same seed gives the same plan. Services are taken in turn, so that bundles are rare. */
export function planLoad(
  shape: LoadShape,
  services: readonly string[],
  random: Random,
): readonly AlertScript[] {
  const count = Math.floor((shape.durationMs / 1000) * shape.newPerSec);
  const first = random.int(0, services.length - 1);
  return Array.from({ length: count }, (_, n) => {
    const service = services[(first + n) % services.length] ?? '';
    return planAlert(shape, { n, service }, random.fork(`alert ${n}`));
  });
}

function planAlert(
  shape: LoadShape,
  { n, service }: { readonly n: number; readonly service: string },
  random: Random,
): AlertScript {
  const key = keyOfAlert(n);
  const startMs = (n * 1000) / shape.newPerSec;
  const onMs = random.int(...shape.onMs);
  const resolves = random.chance(shape.resolving);
  const lastRepeat = Math.min(60_000, resolves ? onMs * 0.8 : 60_000);
  const planned: { action: SentRecord['action']; atMs: number }[] = [
    { action: 'trigger', atMs: startMs },
    ...repeats(shape, random).map((share) => {
      return { action: 'trigger' as const, atMs: startMs + 500 + share * lastRepeat };
    }),
  ];
  if (resolves) planned.push({ action: 'resolve', atMs: startMs + onMs });
  if (resolves && random.chance(shape.reopening)) {
    planned.push({ action: 'trigger', atMs: startMs + onMs + 10_000 });
    planned.push({ action: 'resolve', atMs: startMs + 2 * onMs + 10_000 });
  }
  const events = planned.map((event, i) => ({ ...event, eventId: `${key}-${i}` }));
  return {
    key,
    service,
    events,
    decisions: decide(shape, { resolves, events: planned.length }, random),
  };
}

/** Where in the first minute each repeat falls, in order. */
function repeats({ repeats: mean }: LoadShape, random: Random): readonly number[] {
  const count = Math.floor(mean) + (random.chance(mean % 1) ? 1 : 0);
  return Array.from({ length: count }, () => random.next()).sort((a, b) => a - b);
}

/** Nobody resolves by hand what sends more events: which came first would be anybody's guess. */
function decide(
  shape: LoadShape,
  { resolves, events }: { readonly resolves: boolean; readonly events: number },
  random: Random,
): readonly (Decision | null)[] {
  const decision = (): Decision => ({
    action:
      !resolves && events === 1 && random.chance(shape.resolvingAnswers)
        ? 'resolve'
        : 'acknowledge',
    thinkMs: random.int(...shape.thinkMs),
  });
  const first = random.chance(shape.ignored) ? null : decision();
  return [first, decision()];
}
