/** What a run of a scenario can be told by. */
export interface RunLabel {
  readonly date: string;
  /** With it the same load and faults are planned again. */
  readonly seed: string;
  readonly machine: { readonly cores: number; readonly node: string };
}

/** One scenario in numbers. */
export interface ScenarioReport {
  readonly scenario: string;
  readonly title: string;
  readonly run: RunLabel;
  readonly loadSec: number;
  readonly tookSec: number;
  readonly counts: {
    readonly alerts: number;
    readonly events: number;
    readonly accepted: number;
    readonly attempts: number;
    readonly answers: number;
    readonly pages: number;
    readonly incidents: number;
  };
  /** From the acceptance of an incident's first trigger to its first page, faults included; null: none was paged. */
  readonly firstPageSec: Spread | null;
  /** Missing in reports of earlier runs. */
  readonly paging?: PagingCounts;
  /** By how much later steps came after their time while a fault was near, when paging was possible. Missing in earlier reports. */
  readonly lateStepSec?: Spread | null;
  /** Of each fault of PostgreSQL; missing where there was none. */
  readonly database?: readonly DatabaseReport[];
  /** Of each fault that messages can meet; missing where there was none. */
  readonly channels?: readonly ChannelReport[];
  /** How often each fault was caused: `kill worker-1` and the like. */
  readonly faults: Readonly<Record<string, number>>;
  /** How often each kind of defect was found; empty when nothing is wrong. */
  readonly findings: Readonly<Record<string, number>>;
  /** The first of them, for people. */
  readonly examples: readonly string[];
}

/** What the figures over all scenarios are made of: counts can be added up. */
export interface PagingCounts {
  /** First pages that had to come. */
  readonly due: number;
  /** Those that came later than this after the acceptance, or never, without the times when paging was impossible. */
  readonly later: Later;
  /** The same with those times. */
  readonly laterInAll: Later;
  /** One contact method of one person about one incident. */
  readonly notifications: number;
  /** Messages beyond the first of each. */
  readonly copies: number;
}

export interface Later {
  readonly minute: number;
  readonly fiveMinutes: number;
}

/** How long the product took over one fault of PostgreSQL, seconds; null: it was not seen to happen. */
export interface DatabaseReport {
  readonly fault: string;
  readonly lastedSec: number;
  /** From the beginning until every api said what PostgreSQL is. */
  readonly noticedSec: number | null;
  /** From the end until every api said that it is writable. */
  readonly writableSec: number | null;
  /** From the end, of a failover from the beginning, to the first change. */
  readonly changedSec: number | null;
  /** From the end until lists showed all that had been accepted. */
  readonly listedSec: number | null;
  /** Of what was accepted meanwhile. */
  readonly firstPageSec: Spread | null;
}

/** From acceptance to the first message on the channels of one fault. */
export interface ChannelReport {
  readonly fault: string;
  readonly lastedSec: number;
  readonly channels: readonly string[];
  /** Of what was accepted meanwhile. */
  readonly meanwhileSec: Spread | null;
  /** The same channels with no fault near. */
  readonly usualSec: Spread | null;
}

/** Nearest ranks, in seconds. */
export interface Spread {
  readonly n: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** The last run of each scenario. */
export interface ChaosReport {
  readonly scenarios: readonly ScenarioReport[];
  /** Scenarios that came to no result, and why. */
  readonly broken: Readonly<Record<string, string>>;
}

/** Counted among the findings, though no ledger shows it. */
export const NOT_REPLAYED = 'history not replayed';

/** What was run now takes the place of earlier runs of the same scenarios; all in the order of `names`. */
export function mergeReports(
  earlier: ChaosReport,
  now: ChaosReport,
  names: readonly string[],
): ChaosReport {
  const replaced = new Set([
    ...now.scenarios.map(({ scenario }) => scenario),
    ...Object.keys(now.broken),
  ]);
  const scenarios = [
    ...earlier.scenarios.filter(({ scenario }) => !replaced.has(scenario)),
    ...now.scenarios,
  ].filter(({ scenario }) => names.includes(scenario));
  const kept = Object.entries(earlier.broken).filter(([name]) => !replaced.has(name));
  return {
    scenarios: scenarios.sort(
      (one, other) => names.indexOf(one.scenario) - names.indexOf(other.scenario),
    ),
    broken: { ...Object.fromEntries(kept), ...now.broken },
  };
}

/** Whether every scenario came to a result and nothing is wrong. */
export function isClean({ scenarios, broken }: ChaosReport): boolean {
  const found = scenarios.some(({ findings }) => Object.keys(findings).length > 0);
  return !found && Object.keys(broken).length === 0;
}
