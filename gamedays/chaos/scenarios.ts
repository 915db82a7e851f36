import type { Fault, LinkFault } from '../faults/fault.ts';
import { planKills } from './plan-kills.ts';
import { POSTGRES_SCENARIOS } from './postgres-scenarios.ts';
import { REGION_LOST } from './region-lost.ts';
import { again, needsEngine, USUAL, USUAL_LOAD, type Scenario } from './scenario.ts';

/** Of one stretch of a provider's fault. */
const PROVIDER_MS = 45_000;

const kill: Scenario = {
  ...USUAL,
  name: 'kill',
  title: 'api, worker and Temporal killed and stopped at random under load',
  figures: ['F2', 'F6'],
  minutes: 15,
  apis: 2,
  workers: 2,
  stopsPaging: needsEngine,
  plan: (random, durationMs) => {
    const share = durationMs / (15 * 60_000);
    const kills = Math.max(3, Math.round(40 * share));
    const stops = Math.max(1, Math.round(20 * share));
    const longest = Math.min(45_000, durationMs / 4);
    return planKills(
      {
        groups: [['api-1', 'api-2'], ['worker-1', 'worker-2'], ['temporal']],
        ...{ durationMs, kills, stops, stopMs: [5000, Math.max(5000, longest)] },
      },
      random,
    );
  },
};

function linkScenario(name: string, title: string, fault: (link: string) => LinkFault): Scenario {
  const links = ['sms-a', 'mail-a'];
  return {
    ...USUAL,
    ...{ name, title, figures: ['F2', 'F3', 'F4'] },
    plan: (random, durationMs) => {
      const first = random.int(0, 1);
      return again(durationMs, PROVIDER_MS, (n) => fault(links[(first + n) % 2] ?? 'sms-a'));
    },
  };
}

function moodScenario(name: string, title: string, kind: string, more: object = {}): Scenario {
  return {
    ...USUAL,
    ...{ name, title, figures: ['F2', 'F4'] },
    plan: (_random, durationMs) =>
      again(durationMs, PROVIDER_MS, (n): Extract<Fault, { kind: 'mood' }> => {
        const door = n % 2 === 0 ? 'sms' : 'voice';
        return { kind: 'mood', simulators: 'a', mood: { door, kind, ...more } };
      }),
  };
}

const TELEPHONY = ['sms-a', 'sms-b'] as const;

const allTelephonyDown: Scenario = {
  ...USUAL,
  name: 'all-telephony-down',
  title: 'no text and no call can be sent: mail and push carry the pages',
  figures: ['F2', 'F5'],
  plan: (_random, durationMs) =>
    TELEPHONY.flatMap((link, n) =>
      again(durationMs, PROVIDER_MS, () =>
        n === 0 ? { kind: 'refuse', link } : { kind: 'hang', link, direction: 'both' },
      ),
    ),
};

const ackRace: Scenario = {
  ...USUAL,
  name: 'ack-race',
  title: 'acknowledgements within two seconds of the next step',
  figures: ['F10'],
  minutes: 12,
  workers: 2,
  people: 300,
  load: {
    ...USUAL_LOAD,
    ...{ newPerSec: 3, repeats: 0, resolving: 0, ignored: 0, resolvingAnswers: 0.3 },
    thinkMs: [57_500, 61_500],
  },
  plan: () => [],
};

const temporalDown: Scenario = {
  ...USUAL,
  name: 'temporal-down',
  title: 'Temporal is killed and stays away: events go to the spill and are drained',
  figures: ['F1', 'F2'],
  stopsPaging: needsEngine,
  // What came in the meantime is worked off as fast as the engine can.
  limits: { recoveryMs: 60_000 },
  plan: (_random, durationMs) => [
    {
      kind: 'down',
      process: 'temporal',
      atMs: durationMs * 0.2,
      forMs: Math.min(120_000, durationMs * 0.4),
    },
  ],
};

const workersStopped: Scenario = {
  ...USUAL,
  name: 'workers-stopped',
  title: 'every worker stands still: events and answers are taken, and count when one is back',
  figures: ['F1', 'F2'],
  workers: 2,
  stopsPaging: () => true,
  plan: (_random, durationMs) =>
    ['worker-1', 'worker-2'].map((process) => ({
      ...{ kind: 'lease', atMs: durationMs * 0.2, fault: { kind: 'stop', process } },
      forMs: Math.min(PROVIDER_MS, durationMs * 0.4),
    })),
};

/** Every alert again and again, as from a flapping check: 100 events a second about 120 services. */
const storm: Scenario = {
  ...USUAL,
  name: 'storm',
  title: 'each alert comes fifty times within a minute, and one api is killed meanwhile',
  figures: ['F1', 'F14'],
  apis: 2,
  load: { ...USUAL_LOAD, repeats: 50 },
  plan: (_random, durationMs) => [{ kind: 'kill', atMs: durationMs / 2, process: 'api-1' }],
};

const mailDown: Scenario = {
  ...USUAL,
  name: 'mail-down',
  title: 'no mail can be sent: telephony and push carry the pages',
  figures: ['F2', 'F5'],
  plan: (_random, durationMs) =>
    (['mail-a', 'mail-b'] as const).flatMap((link) =>
      again(durationMs, PROVIDER_MS, () => ({ kind: 'refuse', link })),
    ),
};

/** Of one wrong clock; two more begin before it is right again. */
const CLOCK_MS = 45_000;
const CLOCK_OFFSET_MS = [300_000, 21_600_000] as const;

/** Workers and apis in turn, each wrong by minutes to hours, ahead or behind. */
const clockChanges: Scenario = {
  ...USUAL,
  name: 'clock-changes',
  title: 'the clocks of workers and apis jump ahead and back, by up to six hours',
  figures: ['F11'],
  minutes: 8,
  apis: 2,
  workers: 2,
  clocks: true,
  plan: (random, durationMs) => {
    const processes = ['worker-1', 'api-1', 'worker-2', 'api-2'] as const;
    const forMs = Math.min(CLOCK_MS, durationMs * 0.4);
    const first = random.int(0, processes.length - 1);
    const apartMs = forMs / 3;
    const count = Math.floor((durationMs * 0.9 - forMs) / apartMs) + 1;
    return Array.from({ length: count }, (_, n) => ({
      ...{ kind: 'lease', atMs: Math.round(durationMs * 0.05 + n * apartMs), forMs },
      fault: {
        kind: 'clock',
        process: processes[(first + n) % processes.length] ?? 'worker-1',
        // Each process goes ahead and behind in turn.
        offsetMs: random.int(...CLOCK_OFFSET_MS) * ((n + Math.floor(n / 4)) % 2 === 0 ? 1 : -1),
      },
    }));
  },
};

/** Everything that `npm run chaos` knows, in the order in which it is run. */
export const SCENARIOS: readonly Scenario[] = [
  kill,
  workersStopped,
  temporalDown,
  ...POSTGRES_SCENARIOS,
  REGION_LOST,
  linkScenario('provider-refused', 'nobody listens at the first vendor', (link) => {
    return { kind: 'refuse', link };
  }),
  linkScenario('provider-hung', 'the first vendor accepts connections and says nothing', (link) => {
    return { kind: 'hang', link, direction: 'both' };
  }),
  linkScenario(
    'provider-mute',
    'the first vendor takes messages, and its answers are lost',
    (link) => {
      return { kind: 'hang', link, direction: 'down' };
    },
  ),
  moodScenario('provider-limiting', 'the first vendor answers 429', 'status', {
    ...{ status: 429, retryAfterSec: 30 },
  }),
  {
    ...moodScenario(
      'provider-silent',
      'the first vendor never reports what became of a message',
      'silent',
    ),
    // Long enough to hear nothing for a minute before the next step.
    stepMs: 180_000,
  },
  moodScenario('provider-lying', 'the first vendor reports messages as undelivered', 'undelivered'),
  moodScenario('provider-reordering', 'reports come in the wrong order', 'disorder'),
  allTelephonyDown,
  mailDown,
  storm,
  ackRace,
  clockChanges,
];
