import {
  condition,
  continueAsNew,
  defineSignal,
  proxyLocalActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { HeartbeatActivities } from '../activities/contract.ts';
import {
  beatDueAt,
  missBeat,
  takeBeat,
  type Beat,
  type HeartbeatState,
} from '../domain/heartbeat.ts';
import type { AlertEvent } from '../domain/event.ts';
import { HEARTBEAT } from '../domain/messages.ts';
import { nowIso, nowMs } from './clock.ts';

const beatSignal = defineSignal<[Beat]>(HEARTBEAT.signals.beat);
const { raiseEvent } = proxyLocalActivities<HeartbeatActivities>({
  startToCloseTimeout: '3 seconds',
  localRetryThreshold: '10 seconds',
  retry: { initialInterval: '200 milliseconds', maximumInterval: '10 seconds' },
});

/** Above this many events a fresh history is begun; a beat takes about four. */
const LONG_HISTORY = 2000;

/** One integration's heartbeat, from its first beat until the integration is gone. */
export async function heartbeat(carried: HeartbeatState): Promise<void> {
  let state = carried;
  let events: readonly AlertEvent[] = [];
  let woken = false;
  setHandler(beatSignal, (beat) => {
    const step = takeBeat(state, beat, nowIso());
    state = step.state;
    woken = true;
    if (step.event) events = [...events, step.event];
  });
  for (;;) {
    const [event, ...rest] = events;
    if (event) {
      events = rest;
      if (!(await raiseEvent(state.accountId, event))) return;
      continue;
    }
    if (workflowInfo().historyLength >= LONG_HISTORY) await continueAsNew<typeof heartbeat>(state);
    woken = false;
    const due = beatDueAt(state);
    if (due === null) await condition(() => woken);
    else if (!(await condition(() => woken, Math.max(1, due - nowMs())))) {
      const step = missBeat(state, nowMs());
      state = step.state;
      if (step.event) events = [step.event];
    }
  }
}
