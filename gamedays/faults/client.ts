import { LEASE_MS, type Fault } from './fault.ts';

/** Three signs of life fit into one lease. */
const RENEW_EVERY_MS = LEASE_MS / 4;
const LIMIT_MS = 5000;
/** Each waits two seconds at the agent. */
const OFF_TRIES = 30;

export interface HeldFault {
  readonly id: string;
  /** Ends it; resolves when it is over. */
  off(): Promise<void>;
}

/** The owner's side of the agent: holds faults by renewing their leases as long as this process lives. */
export class FaultClient {
  readonly #url: string;
  readonly #token: string;

  constructor({ url, token }: { readonly url: string; readonly token: string }) {
    this.#url = url;
    this.#token = token;
  }

  /** Causes a fault that stays on until `off()`. @throws Error with the agent's reason. */
  async on(fault: Fault, ttlMs: number = LEASE_MS): Promise<HeldFault> {
    const { id } = (await this.#call('POST', '/faults', { fault, ttlMs })) as { id: string };
    const every = Math.min(RENEW_EVERY_MS, ttlMs / 4);
    const timer = setInterval(() => {
      // A lease that is lost shows in the ledger of faults.
      this.#call('PUT', `/faults/${id}`).catch(() => undefined);
    }, every);
    return {
      id,
      off: async () => {
        clearInterval(timer);
        await this.#end(id);
      },
    };
  }

  /** Causes a fault that is over at once. */
  async once(fault: Extract<Fault, { kind: 'kill' | 'drop_backends' }>): Promise<void> {
    await this.#call('POST', '/faults', { fault });
  }

  /** Leads a link elsewhere for good: no fault, but what an operator does. An agent that starts anew forgets it. */
  async lead(link: string, targets: readonly string[]): Promise<void> {
    await this.#call('PUT', `/links/${link}`, { targets });
  }

  /** Says which process a name means from now on. */
  async nameProcess(name: string, pid: number): Promise<void> {
    await this.#call('PUT', `/processes/${name}`, { pid });
  }

  /** The faults that are on. */
  async list(): Promise<readonly { readonly id: string; readonly fault: Fault }[]> {
    const answer = (await this.#call('GET', '/faults')) as {
      faults: { id: string; fault: Fault }[];
    };
    return answer.faults;
  }

  /** The agent itself goes on trying for a minute. */
  async #end(id: string): Promise<void> {
    for (let attempt = 0; attempt < OFF_TRIES; attempt += 1)
      if ((await this.#send('DELETE', `/faults/${id}`)).status === 204) return;
    throw new Error(`The fault ${id} does not end.`);
  }

  async #call(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await this.#send(method, path, body);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? null : (JSON.parse(text) as unknown);
  }

  #send(method: string, path: string, body?: unknown): Promise<Response> {
    return fetch(this.#url + path, {
      method,
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(LIMIT_MS),
    });
  }
}
