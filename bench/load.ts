import { Agent, request } from 'node:http';

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

export interface Accepted {
  /** `performance.now()` when the request was first sent, and when the 202 had arrived. */
  readonly sentAt: number;
  readonly acceptedAt: number;
  readonly refusals: number;
}

/** Sends one event until it is accepted, as a well-behaved sender does: told to wait, it waits. */
export async function trigger(
  apiUrl: string,
  routingKey: string,
  dedupKey: string,
  action: 'trigger' | 'resolve' = 'trigger',
): Promise<Accepted> {
  const sentAt = performance.now();
  const body = JSON.stringify({
    routing_key: routingKey,
    event_action: action,
    dedup_key: dedupKey,
    payload: { summary: `Bench ${dedupKey}`, source: 'bench', severity: 'critical' },
  });
  for (let refusals = 0; refusals < 1000; refusals += 1) {
    const status = await post(`${apiUrl}/v2/enqueue`, body);
    if (status === 202) return { sentAt, acceptedAt: performance.now(), refusals };
    if (status !== 429 && status < 500) throw new Error(`refused with ${status}`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error('refused 1,000 times');
}

function post(url: string, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const sent = request(url, { method: 'POST', agent, headers, timeout: 30_000 }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Calls `send(0 … count-1)` at fixed times, whether or not earlier calls have come back. */
export async function openLoop<T>(
  count: number,
  intervalMs: number,
  send: (n: number) => Promise<T>,
): Promise<T[]> {
  const startedAt = performance.now();
  const calls: Promise<T>[] = [];
  for (let n = 0; n < count; n += 1) {
    const wait = startedAt + n * intervalMs - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    calls.push(send(n));
  }
  return Promise.all(calls);
}

export interface Summary {
  readonly n: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** Percentiles (nearest rank), rounded to a tenth. */
export function summarize(values: readonly number[]): Summary {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round((sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0) * 10) / 10;
  return { n: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}
