import type { SentRecord } from '../ledgers/records.ts';
import type { CheckContext } from './context.ts';
import type { Finding } from './finding.ts';

/** Whether the door's answers are honest and the ledgers whole. */
export function checkIntake(context: CheckContext): readonly Finding[] {
  const { run } = context;
  return [
    ...run.sent.flatMap(checkAnswer),
    ...checkAcceptance(context),
    ...checkRefusals(context),
    ...gaps('what clients sent', run.sent),
    ...gaps('what people answered', run.answers),
    ...run.faults
      .filter(({ to }) => to === null)
      .map(({ name, from }): Finding => {
        return { kind: 'fault left on', key: null, at: from, text: `${name} was never ended` };
      }),
  ];
}

/** A refusal that asks the sender to come back. */
function isRefusal({ status }: SentRecord): boolean {
  return status === 429 || status === 503;
}

function checkAnswer(attempt: SentRecord): readonly Finding[] {
  const { key, endedAt: at, status, retryAfterSec } = attempt;
  if (isRefusal(attempt) && retryAfterSec === null) {
    const text = `${status ?? ''} without Retry-After`;
    return [{ kind: 'refusal without Retry-After', key, at, text }];
  }
  if (status === null || status === 202 || isRefusal(attempt)) return [];
  return [{ kind: 'unexpected answer', key, at, text: `answered ${status}` }];
}

function checkAcceptance({ run, limits }: CheckContext): readonly Finding[] {
  const events = Map.groupBy(run.sent, ({ eventId }) => eventId);
  return [...events.values()].flatMap((attempts) => {
    const answered = attempts.filter(({ unsent }) => !unsent);
    const from = Math.min(...answered.map(({ sentAt }) => sentAt));
    const accepted = answered.find(({ status }) => status === 202);
    const to = accepted?.endedAt ?? run.observedUntil;
    const [first] = answered;
    if (!first || to - from <= limits.acceptMs) return [];
    const text = `${first.eventId}: ${accepted ? 'accepted' : 'not accepted'} ${((to - from) / 1000).toFixed(0)} s after it was first sent`;
    return [{ kind: 'accepted late', key: first.key, at: to, text } as const];
  });
}

function checkRefusals({ run }: CheckContext): readonly Finding[] {
  if (run.refusalsCounted === null) return [];
  const seen = run.sent.filter(isRefusal).length;
  if (seen <= run.refusalsCounted) return [];
  const text = `clients were refused ${seen} times, the product counts ${run.refusalsCounted}`;
  return [{ kind: 'refusal not counted', key: null, at: run.observedUntil, text }];
}

/** Sequence numbers of a ledger have no holes: a line that is missing may be the one that matters. */
function gaps(name: string, records: readonly { readonly seq: number }[]): readonly Finding[] {
  const seqs = records.map(({ seq }) => seq).sort((a, b) => a - b);
  return seqs.flatMap((seq, n) =>
    seq === n + 1 || (n > 0 && seq === (seqs[n - 1] ?? 0) + 1)
      ? []
      : [{ kind: 'ledger gap', key: null, at: 0, text: `${name}: no line before ${seq}` } as const],
  );
}
