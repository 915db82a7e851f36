const clock: { now(): number } = Date;

/** Milliseconds since 1970 in the workflow's own time: the instant of the running workflow task, the same on replay. */
export function nowMs(): number {
  return clock.now();
}
