import { FINDING_KINDS } from '../checker/finding.ts';
import { nameOfFault } from './planned-fault.ts';
import type { ScenarioResult } from './run-scenario.ts';
import type { Scenario } from './scenario.ts';

/** One scenario in numbers. */
export interface ScenarioReport {
  readonly scenario: string;
  readonly title: string;
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
  /** How often each fault was caused: `kill worker-1` and the like. */
  readonly faults: Readonly<Record<string, number>>;
  /** How often each kind of defect was found; empty when nothing is wrong. */
  readonly findings: Readonly<Record<string, number>>;
  /** The first of them, for people. */
  readonly examples: readonly string[];
}

/** Everything that one call of the harness did. */
export interface ChaosReport {
  readonly date: string;
  readonly seed: string;
  readonly machine: { readonly cores: number; readonly node: string };
  readonly scenarios: readonly ScenarioReport[];
  /** Scenarios that came to no result, and why. */
  readonly broken: Readonly<Record<string, string>>;
}

const EXAMPLES_MAX = 20;

/** Counts what a scenario did and what is wrong with it. */
export function summarize(
  scenario: Scenario,
  { plan, records, findings, tookMs }: ScenarioResult,
  loadMs: number,
): ScenarioReport {
  const { sent, answers, received, finals } = records;
  const accepted = sent.filter(({ status }) => status === 202);
  return {
    ...{ scenario: scenario.name, title: scenario.title },
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
    faults: tally(plan.map(nameOfFault)),
    findings: tally(findings.map(({ kind }) => kind)),
    examples: findings
      .slice(0, EXAMPLES_MAX)
      .map(
        ({ kind, key, at, text }) => `${new Date(at).toISOString()} ${kind} ${key ?? ''}: ${text}`,
      ),
  };
}

/** Whether every scenario came to a result and nothing is wrong. */
export function isClean({ scenarios, broken }: ChaosReport): boolean {
  const found = scenarios.some(({ findings }) => Object.keys(findings).length > 0);
  return !found && Object.keys(broken).length === 0;
}

/** The report for people, in Markdown. */
export function writeReport(report: ChaosReport): string {
  const { date, seed, machine, scenarios, broken } = report;
  const verdict = isClean(report) ? 'Nothing was found wrong.' : 'Defects were found, see below.';
  return (
    [
      '# Chaos run',
      `${verdict} Seed \`${seed}\`, ${date}, ${machine.cores} cores, Node ${machine.node}.`,
      ...scenarios.flatMap(sectionOf),
      ...Object.entries(broken).flatMap(([name, why]) => [`## ${name}`, `No result: ${why}`]),
      '',
    ]
      .join('\n\n')
      .trimEnd() + '\n'
  );
}

function sectionOf(one: ScenarioReport): readonly string[] {
  const { counts, faults, findings } = one;
  const list = (counted: Readonly<Record<string, number>>): string =>
    Object.entries(counted)
      .map(([name, count]) => `${name} ${count}×`)
      .join(', ');
  const kinds = Object.entries(findings).map(
    ([kind, count]) => `- ${count}× ${kind}: ${meaningOf(kind)}`,
  );
  return [
    `## ${one.scenario}`,
    `${one.title}. ${one.loadSec} s of load, ${one.tookSec} s in all.`,
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
  return Object.entries(FINDING_KINDS).find(([name]) => name === kind)?.[1] ?? '';
}

function tally(names: readonly string[]): Readonly<Record<string, number>> {
  const counted = new Map<string, number>();
  for (const name of names) counted.set(name, (counted.get(name) ?? 0) + 1);
  return Object.fromEntries(counted);
}
