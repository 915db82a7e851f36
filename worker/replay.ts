import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';

import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';

import { workflowBundle } from './workflow-bundle.ts';

const USAGE = `Usage: pdlite replay FILE

Replays a history with the workflow code of this folder, and says whether the code would decide the same again.
FILE is what \`temporal workflow show --workflow-id ID --output json\` printed, or a history that Temporal UI downloaded.
Exit code: 0 same decisions, 1 other decisions, 2 the file cannot be replayed.`;

export interface Verdict {
  readonly code: 0 | 1 | 2;
  readonly text: string;
}

/** Replays the history in `text`. Never throws. */
export async function replay(text: string): Promise<Verdict> {
  const history = parse(text);
  if (history === null) {
    return {
      code: 2,
      text: 'This is not a workflow history in JSON: an object with `events` is wanted.',
    };
  }
  const what = describe(history);
  try {
    await Worker.runReplayHistory(
      { workflowBundle: await workflowBundle() },
      history,
      what.workflowId,
    );
    return { code: 0, text: `Same decisions: ${what.text}.` };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return error instanceof DeterminismViolationError
      ? { code: 1, text: `Other decisions: ${what.text}.\n${reason}` }
      : { code: 2, text: `Not replayed: ${what.text}.\n${reason}` };
  }
}

interface HistoryJson {
  readonly events: readonly EventJson[];
}
interface EventJson {
  readonly workflowExecutionStartedEventAttributes?: {
    readonly workflowId?: string;
    readonly workflowType?: { readonly name?: string };
  };
}

function parse(text: string): HistoryJson | null {
  try {
    const value: unknown = JSON.parse(text, toProtoJson);
    if (typeof value !== 'object' || value === null || !('events' in value)) return null;
    return Array.isArray(value.events) && value.events.length > 0 ? (value as HistoryJson) : null;
  } catch {
    return null;
  }
}

const INSTANT = /Time$/;
const DURATION = /(Timeout|Interval|Backoff)$/;

/** `JSON.stringify` of a fetched history writes times as seconds and nanos, the CLI as text; the SDK reads text. */
function toProtoJson(key: string, value: unknown): unknown {
  const isInstant = INSTANT.test(key);
  if (typeof value !== 'object' || value === null) return value;
  if (!isInstant && !DURATION.test(key)) return value;
  // What is zero has been left out.
  const { seconds = 0, nanos = 0 } = value as { seconds?: number | string; nanos?: number };
  if (isInstant) return new Date(Number(seconds) * 1000 + nanos / 1e6).toISOString();
  return `${Number(seconds)}.${String(nanos).padStart(9, '0')}s`;
}

function describe({ events }: HistoryJson): { workflowId: string; text: string } {
  const started = events[0]?.workflowExecutionStartedEventAttributes;
  const workflowId = started?.workflowId ?? 'replayed';
  const type = started?.workflowType?.name ?? 'unknown workflow';
  return { workflowId, text: `${type} ${workflowId}, ${events.length} events` };
}

async function main(): Promise<void> {
  const { positionals } = parseArgs({ allowPositionals: true });
  const [file] = positionals;
  if (file === undefined || positionals.length > 1) {
    console.error(USAGE);
    process.exitCode = 2;
    return;
  }
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    console.error(`${file} cannot be read: ${error instanceof Error ? error.message : ''}`);
    return null;
  });
  if (text === null) {
    process.exitCode = 2;
    return;
  }
  Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined) });
  const verdict = await replay(text);
  (verdict.code === 0 ? console.log : console.error)(verdict.text);
  process.exitCode = verdict.code;
}

if (import.meta.main) await main();
