import { timeChannels } from '../checker/channel-times.ts';
import { createContext, type CheckContext } from '../checker/context.ts';
import { timeDatabase } from '../checker/database-times.ts';
import { firstPages, type FirstPage } from '../checker/first-pages.ts';
import { lateSteps } from '../checker/late-steps.ts';
import { USUAL_LIMITS } from '../checker/limits.ts';
import { notificationsOf } from '../checker/notifications.ts';
import type { RunRecords } from '../ledgers/records.ts';
import { nameOfFault } from './planned-fault.ts';
import {
  NOT_REPLAYED,
  type ChannelReport,
  type DatabaseReport,
  type PagingCounts,
  type RunLabel,
  type ScenarioReport,
  type Spread,
} from './report.ts';
import type { ScenarioResult } from './run-scenario.ts';
import type { Scenario } from './scenario.ts';

interface SummaryOf {
  readonly scenario: Scenario;
  readonly run: RunLabel;
  readonly loadMs: number;
}

const EXAMPLES_MAX = 20;
const MINUTE_MS = 60_000;

/** Counts what a scenario did and what is wrong with it. */
export function summarize(
  { scenario, run, loadMs }: SummaryOf,
  { plan, records, findings, replayErrors, tookMs }: ScenarioResult,
): ScenarioReport {
  const context = createContext(records, { ...USUAL_LIMITS, ...scenario.limits });
  const pages = firstPages(context);
  const channels = channelReports(context);
  return {
    ...{ scenario: scenario.name, title: scenario.title, run },
    ...{ loadSec: Math.round(loadMs / 1000), tookSec: Math.round(tookMs / 1000) },
    counts: countsOf(records),
    firstPageSec: spreadOf(pages),
    paging: countPaging(context, pages),
    lateStepSec: spreadOfMs(lateSteps(context)),
    ...(records.database && { database: databaseReports(context, pages) }),
    ...(channels.length > 0 && { channels }),
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

function countsOf({ sent, answers, received, finals }: RunRecords): ScenarioReport['counts'] {
  const accepted = sent.filter(({ status }) => status === 202);
  return {
    alerts: new Set(sent.map(({ key }) => key)).size,
    events: new Set(sent.map(({ eventId }) => eventId)).size,
    accepted: new Set(accepted.map(({ eventId }) => eventId)).size,
    attempts: sent.length,
    answers: answers.length,
    pages: received.filter(({ keys }) => keys.length > 0).length,
    incidents: finals?.length ?? 0,
  };
}

function countPaging(context: CheckContext, pages: readonly FirstPage[]): PagingCounts {
  const notifications = [...context.stories.values()].flatMap((one) =>
    notificationsOf(context, one),
  );
  const copies = notifications.map(({ pages: all, wanted }) => Math.max(0, all.length - wanted));
  const later = (waited: (page: FirstPage) => number) => {
    const beyond = (ms: number): number => pages.filter((one) => !isWithin(one, waited, ms)).length;
    return { minute: beyond(MINUTE_MS), fiveMinutes: beyond(5 * MINUTE_MS) };
  };
  return {
    // What was over within a minute, unpaged, is nobody's page.
    due: pages.filter((one) => one.came || one.waitedMs > MINUTE_MS).length,
    later: later(({ possibleMs }) => possibleMs),
    laterInAll: later(({ waitedMs }) => waitedMs),
    notifications: notifications.length,
    copies: copies.reduce((sum, count) => sum + count, 0),
  };
}

/** What never came and was waited for longer than a minute is within no time. */
function isWithin(page: FirstPage, waited: (page: FirstPage) => number, ms: number): boolean {
  return waited(page) <= (page.came ? ms : MINUTE_MS);
}

function databaseReports(
  { run, stories }: CheckContext,
  pages: readonly FirstPage[],
): readonly DatabaseReport[] {
  return timeDatabase(run, stories).map((times) => {
    const { from, to, name } = times.window;
    const end = to ?? Infinity;
    return {
      ...{ fault: name, lastedSec: seconds(end - from) },
      noticedSec: secondsOrNull(times.noticedMs),
      writableSec: secondsOrNull(times.writableMs),
      changedSec: secondsOrNull(times.changedMs),
      listedSec: secondsOrNull(times.listedMs),
      firstPageSec: spreadOf(pages.filter((one) => one.acceptedAt >= from && one.acceptedAt < end)),
    };
  });
}

function channelReports(context: CheckContext): readonly ChannelReport[] {
  return timeChannels(context).map(({ window, channels, meanwhileMs, usualMs }) => ({
    ...{ fault: window.name, channels },
    lastedSec: seconds((window.to ?? window.from) - window.from),
    ...{ meanwhileSec: spreadOfMs(meanwhileMs), usualSec: spreadOfMs(usualMs) },
  }));
}

function spreadOf(pages: readonly FirstPage[]): Spread | null {
  return spreadOfMs(pages.flatMap(({ came, waitedMs }) => (came ? [waitedMs] : [])));
}

function spreadOfMs(all: readonly number[]): Spread | null {
  const waits = all.toSorted((one, other) => one - other);
  if (waits.length === 0) return null;
  const rank = (share: number): number =>
    seconds(waits[Math.max(0, Math.ceil(waits.length * share) - 1)] ?? 0);
  return { n: waits.length, p50: rank(0.5), p99: rank(0.99), max: rank(1) };
}

function seconds(ms: number): number {
  return Number((ms / 1000).toFixed(2));
}

function secondsOrNull(ms: number | null): number | null {
  return ms === null ? null : seconds(ms);
}

function tally(names: readonly string[]): Readonly<Record<string, number>> {
  const counted = new Map<string, number>();
  for (const name of names) counted.set(name, (counted.get(name) ?? 0) + 1);
  return Object.fromEntries(counted);
}
