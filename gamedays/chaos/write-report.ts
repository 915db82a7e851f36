import { FINDING_KINDS } from '../checker/finding.ts';
import { rateBound } from './rate-bound.ts';
import {
  isClean,
  NOT_REPLAYED,
  type ChannelReport,
  type ChaosReport,
  type DatabaseReport,
  type Later,
  type PagingCounts,
  type ScenarioReport,
} from './report.ts';

/** The report for people, in Markdown. */
export function writeReport(report: ChaosReport): string {
  const verdict = isClean(report) ? 'Nothing was found wrong.' : 'Defects were found, see below.';
  return (
    [
      '# Chaos runs',
      `${verdict} Of each scenario its last run. First page: seconds from the acceptance of an alert to its first page, while faults were on or not.`,
      overviewOf(report),
      ...totalsOf(report),
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

/** F2 and F6 over all scenarios together. */
function totalsOf({ scenarios }: ChaosReport): readonly string[] {
  const counted = scenarios.flatMap(({ paging }) => (paging ? [paging] : []));
  if (counted.length === 0) return [];
  const sum = (count: (one: PagingCounts) => number): number =>
    counted.reduce((total, one) => total + count(one), 0);
  const due = sum((one) => one.due);
  const row = (name: string, later: (one: PagingCounts) => Later): string => {
    const minute = shareOf(
      sum((one) => later(one).minute),
      due,
    );
    const fiveMinutes = shareOf(
      sum((one) => later(one).fiveMinutes),
      due,
    );
    return `| ${[name, ...minute, ...fiveMinutes].join(' | ')} |`;
  };
  const [notifications, copies] = [sum((one) => one.notifications), sum((one) => one.copies)];
  return [
    `All scenarios together (${counted.length} of ${scenarios.length} are counted): ${due} first pages were due. Later ones, and what their rate is at most with 95 % confidence:`,
    [
      '| of the time | later than 60 s | within 60 s | rate of later ones | later than 5 min | within 5 min | rate of later ones |',
      '| --- | --- | --- | --- | --- | --- | --- |',
      row('in which paging was possible', ({ later }) => later),
      row('in all', ({ laterInAll }) => laterInAll),
    ].join('\n'),
    `Of ${notifications} notifications ${copies} copies went out beyond the first: ${percent(copies / Math.max(1, notifications))}.`,
  ];
}

/** How many, the share of the others, and the bound of the rate. */
function shareOf(later: number, due: number): readonly (string | number)[] {
  const within = due === 0 ? '-' : percent(1 - later / due);
  return [later, within, `≤ ${percent(rateBound(later, due))}`];
}

function percent(share: number): string {
  return `${(share * 100).toFixed(3)} %`;
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
      ...lateStepsOf(one),
      `- Wrong: ${kinds.length === 0 ? 'nothing' : list(findings)}`,
    ].join('\n'),
    ...(one.database ? [databaseOf(one.database)] : []),
    ...(one.channels ? [channelsOf(one.channels)] : []),
    ...(kinds.length > 0
      ? [kinds.join('\n'), '```text\n' + one.examples.join('\n') + '\n```']
      : []),
  ];
}

function lateStepsOf({ lateStepSec: late }: ScenarioReport): readonly string[] {
  if (!late) return [];
  const { n, p50, p99, max } = late;
  return [
    `- Later steps with a fault near: ${n}, late by p50 ${p50} s, p99 ${p99} s, max ${max} s`,
  ];
}

function databaseOf(reports: readonly DatabaseReport[]): string {
  const rows = reports.map(({ fault, firstPageSec, ...sec }) => {
    const { n = 0, p99 = '-' } = firstPageSec ?? {};
    const times = [sec.noticedSec, sec.writableSec, sec.changedSec, sec.listedSec];
    const cells = [fault, sec.lastedSec, ...times.map((one) => one ?? 'not seen'), `${p99} (${n})`];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    '| PostgreSQL, s | lasted | noticed | writable again | first change | lists complete | first page p99 meanwhile (n) |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

function channelsOf(reports: readonly ChannelReport[]): string {
  const rows = reports.map(({ fault, lastedSec, channels, meanwhileSec, usualSec }) => {
    const times = [meanwhileSec, usualSec].flatMap((one) =>
      one ? [one.p50, one.p99, `${one.max} (${one.n})`] : ['-', '-', '-'],
    );
    return `| ${[fault, lastedSec, channels.join(', '), ...times].join(' | ')} |`;
  });
  return [
    '| first message on its channels, s | lasted | channels | p50 meanwhile | p99 | max (n) | p50 with no fault near | p99 | max (n) |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}

function meaningOf(kind: string): string {
  if (kind === NOT_REPLAYED) return 'a worker could not replay a workflow, which then stands still';
  return Object.entries(FINDING_KINDS).find(([name]) => name === kind)?.[1] ?? '';
}
