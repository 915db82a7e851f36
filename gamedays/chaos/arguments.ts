import { parseArgs } from 'node:util';

import type { Scenario } from './scenario.ts';

/** What is asked for on the command line. */
export interface ChaosArguments {
  readonly seed: string;
  /** Of load, of each scenario; null: as long as the scenario says. */
  readonly minutes: number | null;
  readonly scenarios: readonly Scenario[];
  readonly out: string;
  readonly data: string;
}

const MINUTES_MAX = 240;

/**
 * Reads the command line.
 * @returns the arguments, or `help` when that is asked for.
 * @throws Error that says what is wrong with it.
 */
export function readArguments(
  args: readonly string[],
  scenarios: readonly Scenario[],
): ChaosArguments | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
      minutes: { type: 'string' },
      scenario: { type: 'string', multiple: true, default: [] },
      out: { type: 'string', default: 'docs/chaos' },
      data: { type: 'string', default: '.data/chaos' },
    },
  });
  if (values.help) return 'help';
  const minutes = values.minutes === undefined ? null : Number(values.minutes);
  if (minutes !== null && !(minutes > 0 && minutes <= MINUTES_MAX))
    throw new Error(`--minutes takes a number above 0, up to ${MINUTES_MAX}`);
  const known = new Map(scenarios.map((one) => [one.name, one]));
  const chosen = values.scenario.map((name) => {
    const found = known.get(name);
    if (!found) throw new Error(`there is no scenario ${name}; --help lists them`);
    return found;
  });
  const { seed, out, data } = values;
  return { seed, minutes, out, data, scenarios: chosen.length > 0 ? chosen : scenarios };
}

/** What `--help` prints. */
export function helpText(scenarios: readonly Scenario[]): string {
  const list = scenarios.map(
    ({ name, title, minutes }) => `  ${name.padEnd(20)} ${title} (${minutes} min)`,
  );
  return `npm run chaos -- [options]

Runs the whole product as real processes on free ports, breaks them at random, and checks from outside that no
accepted event is lost, no page is missed or sent three times, and nobody is paged after an answer.

  --scenario NAME   only this one; may be given again (default: all, one after the other)
  --seed TEXT       the same seed plans the same load and faults (default: a new one, printed)
  --minutes M       of load, for each scenario (default: as listed)
  --out FOLDER      of the report, latest.md and latest.json (default: docs/chaos)
  --data FOLDER     of logs, data and ledgers; emptied by each scenario (default: .data/chaos)

Exit code: 0 nothing wrong, 1 a defect was found or a scenario came to no result, 2 wrong arguments, 130 stopped.

Scenarios:
${list.join('\n')}`;
}
