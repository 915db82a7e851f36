/**
 * Milliseconds since 1970 by a clock that nobody sets: it goes on from what the machine's showed when the process
 * began. It stands still while the machine itself does, so it is no better than that one, only wrong at other times.
 */
export function steadyTimeMs(): number {
  return Math.round(performance.timeOrigin + performance.now());
}
