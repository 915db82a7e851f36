import type { RunRecords } from '../ledgers/records.ts';
import { createContext } from './context.ts';
import { checkDatabase } from './database-checks.ts';
import type { Finding } from './finding.ts';
import { checkIntake } from './intake-checks.ts';
import type { Limits } from './limits.ts';
import { checkMessages } from './message-checks.ts';
import { checkOutcomes } from './outcome-checks.ts';
import { checkPaging } from './paging-checks.ts';
import { checkSilence } from './silence-checks.ts';

/** Joins the ledgers of a run and names everything that is wrong with it, by time. Pure. */
export function checkRun(run: RunRecords, limits: Limits): readonly Finding[] {
  const context = createContext(run, limits);
  const checks = [
    ...[checkPaging, checkMessages, checkSilence],
    ...[checkOutcomes, checkIntake, checkDatabase],
  ];
  const findings = checks.flatMap((check) => check(context));
  return findings.sort((a, b) => a.at - b.at);
}
