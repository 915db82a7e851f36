import {
  ApplicationFailure,
  condition,
  continueAsNew,
  defineUpdate,
  setHandler,
  uuid4,
} from '@temporalio/workflow';
import { succeed } from '../domain/incident/open.ts';
import { viewOf } from '../domain/incident/reduce.ts';
import type {
  IncidentAction,
  IncidentInput,
  IncidentSettings,
  IncidentState,
  IncidentView,
} from '../domain/incident/types.ts';
import { recall, validateAction } from '../domain/incident/validate.ts';
import { INCIDENT } from '../domain/messages.ts';
import { nowIso } from './clock.ts';
import { lookingUp } from './incident-activities.ts';
import { IncidentRun } from './incident-run.ts';
import { listenToSignals } from './incident-signals.ts';
import { answerReads } from './reads.ts';

const actUpdate = defineUpdate<IncidentView, [IncidentAction]>(INCIDENT.updates.act);

/** How long a start without a trigger is kept before it counts as a mistake. */
const UNOPENED = '1 minute';

/** One alert key's incident, from the first trigger to the last projected log entry. */
export async function incident(input: IncidentInput): Promise<void> {
  const run = new IncidentRun(input);
  if (input.manual) run.apply({ type: 'created', manual: input.manual });
  takeOver(run);
  listen(run);
  if (!run.state.opened && !(await condition(() => run.state.opened, UNOPENED))) return;
  void run.project();
  await run.untilOver();
  if (run.state.view.status !== 'resolved' || !run.isOver()) return goOn(input, run.carried());
  await condition(() => run.isDrained() || run.wantsSuccessor());
  if (run.wantsSuccessor()) await startNext(run.carried());
}

/** Events that came too late for the incident before open this one. */
function takeOver(run: IncidentRun): void {
  if (run.state.opened) return;
  const { held } = run.state;
  run.state = { ...run.state, held: [] };
  for (const event of held) run.apply({ type: 'alert', event });
}

/** Handlers are synchronous: they change the state, and the main loop does what follows. */
function listen(run: IncidentRun): void {
  listenToSignals(run);
  setHandler(actUpdate, (action) => act(run, action), {
    validator: (action: IncidentAction) => refuse(run.state, action),
  });
  const { queries } = INCIDENT;
  answerReads({
    [queries.view]: () => viewOf(run.state),
    [queries.known]: (actionId: string) => recall(run.state, actionId),
    [queries.outbox]: () => [
      ...run.state.leftovers.flatMap(({ entries }) => entries),
      ...run.state.outbox,
    ],
  });
}

/** Answers the state after the action; a merge's source answers what it hands over. */
function act(run: IncidentRun, action: IncidentAction): IncidentView {
  run.apply({ type: 'action', action });
  const handsOver = action.type === 'merge_into' ? run.state.handedOver : null;
  return handsOver ?? viewOf(run.state);
}

function refuse(state: IncidentState, action: IncidentAction): void {
  const refusal = validateAction(state, action);
  if (refusal) throw ApplicationFailure.nonRetryable(refusal.message, refusal.type);
}

/** The same incident in a fresh history. */
function goOn({ incidentId, settings }: IncidentInput, carried: IncidentState): Promise<never> {
  return continueAsNew<typeof incident>({ incidentId, settings, manual: null, carried });
}

/** A trigger after the end, while the history is still open: a new incident under the same workflow id. */
async function startNext(over: IncidentState): Promise<never> {
  const settings = await currentSettings(over.settings);
  const incidentId = `P${uuid4().replaceAll('-', '').slice(0, 13).toUpperCase()}`;
  return continueAsNew<typeof incident>(succeed(over, { incidentId, settings, at: nowIso() }));
}

/** As the service is now; as it was when nobody can tell. */
async function currentSettings(last: IncidentSettings): Promise<IncidentSettings> {
  try {
    return await lookingUp.loadSettings(last.accountId, last.service.id);
  } catch {
    return last;
  }
}
