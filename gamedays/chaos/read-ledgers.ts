import path from 'node:path';

import { readJsonLines } from '../../platform/json-lines.ts';
import { readReceived } from '../ledgers/received.ts';
import type {
  AnswerRecord,
  FaultWindow,
  RunRecords,
  SentRecord,
  World,
} from '../ledgers/records.ts';
import { VENDORS } from './topology.ts';

/** Where the ledgers of a run are. */
export interface RunFiles {
  readonly sent: string;
  readonly answers: string;
  readonly windows: string;
  readonly vendors: readonly (readonly [name: string, file: string])[];
}

/** The ledgers in the folder of a run. */
export function filesOf(folder: string): RunFiles {
  const file = (name: string): string => path.join(folder, `${name}.jsonl`);
  return {
    ...{ sent: file('sent'), answers: file('answers'), windows: file('windows') },
    vendors: VENDORS.map((name) => [name, file(`vendor-${name}`)] as const),
  };
}

export type Ledgers = Pick<RunRecords, 'world' | 'sent' | 'answers' | 'received' | 'faults'>;

/** Reads what clients and people have done so far. @throws SyntaxError for a ledger that is broken. */
export function readActs({ sent, answers }: RunFiles): Pick<Ledgers, 'sent' | 'answers'> {
  return {
    sent: readJsonLines(sent) as readonly SentRecord[],
    answers: readJsonLines(answers) as readonly AnswerRecord[],
  };
}

/** Reads what was seen from outside so far. @throws SyntaxError for a ledger that is broken. */
export function readLedgers(files: RunFiles, world: World): Ledgers {
  // A window has a line when it opens and one when it closes; the later one counts.
  const faults = readJsonLines(files.windows) as readonly FaultWindow[];
  return {
    ...{ world, ...readActs(files) },
    received: files.vendors.flatMap(([name, file]) => readReceived(name, readJsonLines(file))),
    faults: [...new Map(faults.map((window) => [window.id, window])).values()],
  };
}

/** Whether somebody was paged for every alert that was accepted. */
export function isSettled({ sent, received }: Ledgers): boolean {
  const paged = new Set(received.flatMap(({ keys }) => keys));
  return sent.every(
    ({ key, action, status }) => action !== 'trigger' || status !== 202 || paged.has(key),
  );
}
