const clock: { now(): number } = Date;

/** Milliseconds since 1970 in the workflow's own time: the instant of the running workflow task, the same on replay. */
export function nowMs(): number {
  return clock.now();
}

/** The same as an ISO string. */
export function nowIso(): string {
  return new Date(nowMs()).toISOString();
}
