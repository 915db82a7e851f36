import { sleep } from '@temporalio/workflow';

export * from '../../workflows/index.ts';

/** Holds up all workflows of its worker, as others do on a busy one: so many milliseconds at a time, again and again. */
export async function busy(ms: number, times: number): Promise<void> {
  const nobodyWakes = new Int32Array(new SharedArrayBuffer(4));
  for (let n = 0; n < times; n += 1) {
    Atomics.wait(nobodyWakes, 0, 0, ms);
    await sleep(1);
  }
}
