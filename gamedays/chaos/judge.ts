import { setTimeout as sleep } from 'node:timers/promises';

import { checkRun } from '../checker/check-run.ts';
import type { Finding } from '../checker/finding.ts';
import type { Limits } from '../checker/limits.ts';
import type { DatabaseRecords } from '../ledgers/database-records.ts';
import type { RunRecords } from '../ledgers/records.ts';
import type { Population } from '../load/population.ts';
import type { ChaosStack } from './chaos-stack.ts';
import { readFinals, readRefusals } from './finals.ts';
import type { PlannedFault } from './planned-fault.ts';
import type { Ledgers } from './read-ledgers.ts';

export interface Judged {
  readonly stack: ChaosStack;
  readonly plan: readonly PlannedFault[];
  readonly ledgers: Ledgers;
  readonly database: DatabaseRecords | null;
  readonly limits: Limits;
  readonly accounts: Population['accounts'];
  /** Incidents from before this instant are of no interest; milliseconds since 1970. */
  readonly since: number;
  readonly signal: AbortSignal;
}

/** Lists follow what happens; by then they must have caught up. */
const LISTS_MS = 45_000;
const LOOK_EVERY_MS = 1000;

/** Asks the product what came of everything, and joins it with the ledgers. @throws Error when it does not answer. */
export async function judge(
  judged: Judged,
): Promise<{ readonly records: RunRecords; readonly findings: readonly Finding[] }> {
  const { stack, ledgers, database, limits, accounts, since, signal } = judged;
  const observedUntil = Date.now();
  const metrics = losesCounters(judged.plan) ? null : stack.apiMetricsUrls;
  const refusalsCounted = metrics && (await readRefusals(metrics));
  const until = Date.now() + LISTS_MS;
  for (;;) {
    const finals = await readFinals(stack.apiUrls[0] ?? '', accounts, since);
    const records = { ...ledgers, database, finals, refusalsCounted, observedUntil };
    const findings = checkRun(records, limits);
    // Another look changes only what the lists say.
    const same = findings.length === checkRun({ ...records, finals: null }, limits).length;
    if (same || Date.now() > until) return { records, findings };
    await sleep(LOOK_EVERY_MS, undefined, { signal });
  }
}

/** Whether an api process is killed, and what it had counted with it. */
function losesCounters(plan: readonly PlannedFault[]): boolean {
  return plan.some((one) => one.kind !== 'lease' && one.process.startsWith('api-'));
}
