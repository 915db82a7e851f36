import type { RunRecords } from '../ledgers/records.ts';
import type { FindingKind } from './finding.ts';
import type { GeneratedRun, Script } from './generated-run.ts';

/** A clean run with one defect in it. */
export interface Planted {
  readonly run: RunRecords;
  readonly kind: FindingKind;
  /** Whose alert it is about; null: it is about none. */
  readonly key: string | null;
}

export type Plant = (run: GeneratedRun) => Planted;

/** The first key of a generated run that goes through this. */
export function keyOf(run: GeneratedRun, script: Script): string {
  const [found] = [...run.scripts].find(([, one]) => one === script) ?? [];
  if (found === undefined) throw new RangeError(`no key is ${script}`);
  return found;
}
