import { Counter, Gauge, Histogram } from 'prom-client';

/** Duration of every request, by route template, never by path. */
export const httpDuration = new Histogram({
  name: 'pdlite_http_request_duration_seconds',
  help: 'Time from the first byte of a request to the end of its answer.',
  labelNames: ['method', 'route', 'status'] as const,
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
});

/** Events by the door they came through and what became of them. */
export const intakeEvents = new Counter({
  name: 'pdlite_intake_events_total',
  help: 'Events received.',
  labelNames: ['door', 'result'] as const,
});

/** Events that went through the spill: `spilled`, then `drained`, `dropped` (nobody to tell) or `parked`. */
export const spillEvents = new Counter({
  name: 'pdlite_spill_events_total',
  help: 'Events into and out of the spill.',
  labelNames: ['result'] as const,
});

/** What waits in the spill, of all processes, as last counted. */
export const spillWaiting = new Gauge({
  name: 'pdlite_spill_waiting',
  help: 'Events that wait in the spill.',
});
export const spillBytes = new Gauge({
  name: 'pdlite_spill_bytes',
  help: 'Bytes of the events in the spill.',
});
export const spillParked = new Gauge({
  name: 'pdlite_spill_parked',
  help: 'Events in the spill that Temporal refuses for good.',
});
export const spillOldest = new Gauge({
  name: 'pdlite_spill_oldest_seconds',
  help: 'How long the oldest event waits in the spill.',
});

/** 1 for the state that holds: `closed` Temporal answers intake, `open` it does not, `half_open` it is tried. */
export const engineState = new Gauge({
  name: 'pdlite_intake_engine_state',
  help: 'Whether Temporal answers intake.',
  labelNames: ['state'] as const,
});

/** Calls to Temporal under way and waiting for intake. */
export const intakeInFlight = new Gauge({
  name: 'pdlite_intake_calls',
  help: 'Calls to Temporal for intake, by state.',
  labelNames: ['state'] as const,
});
