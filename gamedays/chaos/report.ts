import { FINDING_KINDS } from '../checker/finding.ts';
import type { RunRecords } from '../ledgers/records.ts';
import { nameOfFault } from './planned-fault.ts';
import type { ScenarioResult } from './run-scenario.ts';
import type { Scenario } from './scenario.ts';

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
  /** From the acceptance of an alert's first trigger to its first page, faults included; null: none was paged. */
  readonly firstPageSec: Spread | null;
  /** How often each fault was caused: `kill worker-1` and the like. */
  readonly faults: Readonly<Record<string, number>>;
  /** How often each kind of defect was found; empty when nothing is wrong. */
  readonly findings: Readonly<Record<string, number>>;
  /** The first of them, for people. */
  readonly examples: readonly string[];
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

const EXAMPLES_MAX = 20;
const NOT_REPLAYED = 'history not replayed';

/** Counts what a scenario did and what is wrong with it. */
export function summarize(
  { scenario, run, loadMs }: SummaryOf,
  { plan, records, findings, replayErrors, tookMs }: ScenarioResult,
): ScenarioReport {
  const { sent, answers, received, finals } = records;
  const accepted = sent.filter(({ status }) => status === 202);
  return {
    ...{ scenario: scenario.name, title: scenario.title, run },
    ...{ loadSec: Math.round(loadMs / 1000), tookSec: Math.round(tookMs / 1000) },
    counts: {
      alerts: new Set(sent.map(({ key }) => key)).size,
      events: new Set(sent.map(({ eventId }) => eventId)).size,
      accepted: new Set(accepted.map(({ eventId }) => eventId)).size,
      attempts: sent.length,
      answers: answers.length,
      pages: received.filter(({ keys }) => keys.length > 0).length,
      incidents: finals?.length ?? 0,
    },
    firstPageSec: firstPages(records),
    faults: tally(plan.map(nameOfFault)),
    findings: {
      ...tally(findings.map(({ kind }) => kind)),
      ...(replayErrors > 0 && { [NOT_REPLAYED]: replayErrors }),
    },
    examples: findings
      .slice(0, EXAMPLES_MAX)
      .map(
        ({ kind, key, at, text }) => `${new Date(at).toISOString()} ${kind} ${key ?? ''}: ${text}`,
      ),
  };
}

interface SummaryOf {
  readonly scenario: Scenario;
  readonly run: RunLabel;
  readonly loadMs: number;
}

function firstPages({ sent, received }: RunRecords): Spread | null {
  const pagedAt = new Map<string, number>();
  for (const { keys, at } of received)
    for (const key of keys) pagedAt.set(key, Math.min(at, pagedAt.get(key) ?? Infinity));
  const acceptedAt = new Map<string, number>();
  for (const { key, action, status, endedAt } of sent)
    if (action === 'trigger' && status === 202)
      acceptedAt.set(key, Math.min(endedAt, acceptedAt.get(key) ?? Infinity));
  const seconds = [...acceptedAt]
    .flatMap(([key, at]) => (pagedAt.has(key) ? [Math.max(0, (pagedAt.get(key) ?? at) - at)] : []))
    .map((ms) => ms / 1000)
    .sort((one, other) => one - other);
  if (seconds.length === 0) return null;
  const rank = (share: number): number =>
    Number((seconds[Math.max(0, Math.ceil(seconds.length * share) - 1)] ?? 0).toFixed(2));
  return { n: seconds.length, p50: rank(0.5), p99: rank(0.99), max: rank(1) };
}

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

/** The report for people, in Markdown. */
export function writeReport(report: ChaosReport): string {
  const verdict = isClean(report) ? 'Nothing was found wrong.' : 'Defects were found, see below.';
  return (
    [
      '# Chaos runs',
      `${verdict} Of each scenario its last run. First page: seconds from the acceptance of an alert to its first page, while faults were on or not.`,
      overviewOf(report),
      ...report.scenarios.flatMap(sectionOf),
      ...Object.entries(report.broken).flatMap(([name, why]) => [
        `## ${name}`,
        `No result: ${why}`,
      ]),
      '',
    ]
      .join('\n\n')
      .trimEnd() + '\n'
  );
}

function overviewOf({ scenarios }: ChaosReport): string {
  const rows = scenarios.map(({ scenario, loadSec, counts, firstPageSec, findings }) => {
    const { p50 = '-', p99 = '-', max = '-' } = firstPageSec ?? {};
    const wrong = Object.values(findings).reduce((sum, count) => sum + count, 0);
    const cells = [scenario, loadSec, counts.accepted, counts.pages, p50, p99, max, wrong];
    return `| ${cells.join(' | ')} |`;
  });
  const head = [
    '| scenario | load, s | events accepted | pages | first page p50 | p99 | max | wrong |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
  ];
  return [...head, ...rows].join('\n');
}

function sectionOf(one: ScenarioReport): readonly string[] {
  const { counts, faults, findings, run } = one;
  const list = (counted: Readonly<Record<string, number>>): string =>
    Object.entries(counted)
      .map(([name, count]) => `${name} ${count}×`)
      .join(', ');
  const kinds = Object.entries(findings).map(
    ([kind, count]) => `- ${count}× ${kind}: ${meaningOf(kind)}`,
  );
  return [
    `## ${one.scenario}`,
    `${one.title}. ${one.loadSec} s of load, ${one.tookSec} s in all. Seed \`${run.seed}\`, ${run.date}, ${run.machine.cores} cores, Node ${run.machine.node}.`,
    [
      `- Sent: ${counts.alerts} alerts, ${counts.events} events in ${counts.attempts} attempts, ${counts.accepted} accepted`,
      `- Seen: ${counts.pages} pages by vendors, ${counts.answers} answers by people, ${counts.incidents} incidents`,
      `- Faults: ${list(faults) || 'none'}`,
      `- Wrong: ${kinds.length === 0 ? 'nothing' : list(findings)}`,
    ].join('\n'),
    ...(kinds.length > 0
      ? [kinds.join('\n'), '```text\n' + one.examples.join('\n') + '\n```']
      : []),
  ];
}

function meaningOf(kind: string): string {
  if (kind === NOT_REPLAYED) return 'a worker could not replay a workflow, which then stands still';
  return Object.entries(FINDING_KINDS).find(([name]) => name === kind)?.[1] ?? '';
}

function tally(names: readonly string[]): Readonly<Record<string, number>> {
  const counted = new Map<string, number>();
  for (const name of names) counted.set(name, (counted.get(name) ?? 0) + 1);
  return Object.fromEntries(counted);
}
