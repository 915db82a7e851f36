import { performance, type EventLoopUtilization } from 'node:perf_hooks';

const SAMPLE_MS = 250;
const SATURATED = 0.9;

/** Whether this process has time left beside answering, as of the last quarter of a second. */
export class LoopLoad {
  #from: EventLoopUtilization = performance.eventLoopUtilization();
  #fromMs = performance.now();
  #saturated = false;

  get saturated(): boolean {
    const now = performance.now();
    if (now - this.#fromMs < SAMPLE_MS) return this.#saturated;
    this.#saturated = performance.eventLoopUtilization(this.#from).utilization > SATURATED;
    this.#from = performance.eventLoopUtilization();
    this.#fromMs = now;
    return this.#saturated;
  }
}
