// Property: whatever happens to whichever activity of the incident and responder workflows (it fails, it is done and its
// result lost, its worker is killed before or after it), the story comes to its right end: an ended incident never
// pages, one timer is armed or the reason recorded, no step is skipped, no notification comes a third time.
import { readFile } from 'node:fs/promises';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Activities } from '../../activities/contract.ts';
import { devServer, workflowBundle, type DevServer } from '../support/temporal.ts';
import { until } from '../support/until.ts';
import type { Cast } from './matrix/accounts.ts';
import { checkInvariants } from './matrix/checks.ts';
import { FAULT_KINDS, type Fault, type LedgerLine } from './matrix/faults.ts';
import { WorkerProcess } from './matrix/process.ts';
import {
  answered,
  followed,
  forwarded,
  merged,
  paged,
  pagedAgain,
  released,
  Stage,
  type Story,
  unreachable,
} from './matrix/stories.ts';

/** Activities of other workflows, and the test that tries them. */
const ELSEWHERE = {
  raiseEvent: 'test/workflow/heartbeat.test.ts',
  receiptOf: 'activities/delivery.test.ts',
  resetWorkflow: 'test/integration/repair-workflows.test.ts',
} as const;

/** In which story each activity is at work. */
const STORIES = {
  page: paged,
  deliver: paged,
  project: paged,
  signalAnswer: answered,
  stopPages: answered,
  signalUnreachable: unreachable,
  mergeSource: merged,
  forwardEvents: forwarded,
  signalRelease: released,
  loadSettings: followed,
} satisfies Record<Exclude<keyof Activities, keyof typeof ELSEWHERE>, Story>;

/** All of STORIES, and one more: the tick of the clock whose page is overtaken before anybody knows of it. */
const ALL: readonly (Pick<Fault, 'activity' | 'spared'> & { name: string; story: Story })[] = [
  ...Object.entries(STORIES).map(([name, story]) => {
    return { name, activity: name as keyof typeof STORIES, story };
  }),
  { name: 'again', activity: 'page', spared: 1, story: pagedAgain },
];

interface Case {
  readonly fault: Fault;
  readonly story: Story;
  readonly cast: Cast;
  readonly stage: Stage;
}

const ledger: LedgerLine[] = [];
let server: DevServer;

function casesOf(kinds: readonly Fault['kind'][]): readonly Case[] {
  return ALL.flatMap(({ name, story, ...fault }) =>
    kinds.map((kind) => {
      const account = `${name}-${kind}`.toUpperCase();
      const { unreachable: isBad = false, acknowledgementTimeoutSec = null } = story;
      const cast = { account, unreachable: isBad, acknowledgementTimeoutSec };
      const stage = new Stage(server.client, ledger, cast);
      return { fault: { ...fault, account, kind }, story, cast, stage };
    }),
  );
}

const all = (cases: readonly Case[], step: (one: Case) => Promise<unknown>) =>
  Promise.all(
    cases.map((one) =>
      step(one).catch((error: unknown) => {
        throw new Error(`${one.cast.account}: ${String(error)}`, { cause: error });
      }),
    ),
  );

const startWorker = (casts: readonly Cast[], faults: readonly Fault[]) => {
  const { address, namespace } = server;
  return new WorkerProcess({ address, namespace, casts, faults }, ledger).ready();
};

beforeAll(async () => {
  [server] = await Promise.all([devServer(), workflowBundle()]);
});
afterAll(() => server.close());

test('every activity of the contract is in the matrix', async () => {
  const file = new URL('../../activities/contract.ts', import.meta.url);
  const source = ts.createSourceFile(
    'contract.ts',
    await readFile(file, 'utf8'),
    ts.ScriptTarget.Latest,
  );
  const names = source.statements
    .filter(ts.isInterfaceDeclaration)
    .filter(({ name }) => name.text.endsWith('Activities'))
    .flatMap(({ members }) => members.filter(ts.isMethodSignature))
    .map(({ name }) => (ts.isIdentifier(name) ? name.text : ''));
  expect(names.sort()).toEqual([...Object.keys(STORIES), ...Object.keys(ELSEWHERE)].sort());
  for (const test of Object.values(ELSEWHERE)) {
    expect(await readFile(new URL(`../../${test}`, import.meta.url), 'utf8')).not.toBe('');
  }
});

describe('in every activity', { timeout: 240_000 }, () => {
  test('faults and kills lose nothing, skip nothing, repeat at most once', async () => {
    const killed = casesOf(FAULT_KINDS.filter((kind) => kind.startsWith('killed')));
    const failing = casesOf(FAULT_KINDS.filter((kind) => !kind.startsWith('killed')));
    const casts = [...killed, ...failing].map(({ cast }) => cast);
    const victim = await startWorker(
      casts,
      killed.map(({ fault }) => fault),
    );
    await all(killed, ({ story, stage }) => story.prepare(stage));
    const begun = all(killed, ({ story, stage }) => story.strike(stage));
    await until(() => struckBy(killed).length === killed.length, 60_000);
    await victim.kill();
    await all(killed, async ({ story, stage }) => story.overtake?.(stage));
    const rescuer = await startWorker(
      casts,
      failing.map(({ fault }) => fault),
    );
    try {
      await Promise.all([
        begun.then(() => all(killed, ({ story, stage }) => story.finish(stage))),
        all(failing, async ({ story, stage }) => {
          await story.prepare(stage);
          await story.strike(stage);
          await story.overtake?.(stage);
          await story.finish(stage);
        }),
      ]);
      await all([...killed, ...failing], ({ stage }) => stage.untilWritten());
    } finally {
      await rescuer.kill();
    }
    expect(struckBy(failing)).toEqual(failing.map(({ cast }) => cast.account));
    for (const { cast, story } of [...killed, ...failing]) {
      checkInvariants(linesOf(cast), story);
    }
  });
});

/** The accounts at whose activity something was done. */
function struckBy(cases: readonly Case[]): readonly string[] {
  const struck = new Set(
    ledger.flatMap((line) => (line.type === 'struck' ? [line.fault.account] : [])),
  );
  return cases.map(({ cast }) => cast.account).filter((account) => struck.has(account));
}

const linesOf = ({ account }: Cast) =>
  ledger.filter((line) => line.type !== 'struck' && JSON.stringify(line).includes(account));
