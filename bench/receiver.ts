import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Stands in for the push provider: notes when the page of each alert arrived, and answers at once. */
export class Receiver {
  /** By the alert's dedup key (titles are `Bench {key}`): `performance.now()` when each page was complete. */
  readonly arrivals = new Map<string, number[]>();
  /** By topic, oldest first: when each message came, and how many open incidents it counts. */
  readonly byTopic = new Map<string, { readonly at: number; readonly open: number }[]>();
  /** Messages received. */
  messages = 0;
  /** What the watchdog has told the operators. */
  readonly told: { readonly at: number; readonly title: string }[] = [];
  /** Answers 503 to everything but the watchdog. */
  refusesPages = false;
  readonly #server: Server;
  readonly #waiting = new Set<() => void>();

  constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        // A provider that failed is asked for its health.
        if (request.method === 'GET') {
          response.writeHead(this.refusesPages ? 503 : 200).end();
          return;
        }
        const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, string>;
        const { topic = '', title = '', message = '' } = body;
        const isWatchdog = title.startsWith('PD Lite watchdog');
        if (isWatchdog) this.told.push({ at: performance.now(), title });
        else if (this.refusesPages) {
          response.writeHead(503).end();
          return;
        }
        const open = Number(/\b(\d+) open/.exec(title)?.[1] ?? 1);
        const messages = this.byTopic.get(topic) ?? [];
        this.byTopic.set(topic, [...messages, { at: performance.now(), open }]);
        this.#note(`${title} ${message}`, performance.now());
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ id: `n${this.messages}`, event: 'message' }));
        for (const wake of this.#waiting) wake();
      });
    });
  }

  #note(text: string, at: number): void {
    this.messages += 1;
    for (const key of new Set(
      Array.from(text.matchAll(/Bench (\S+)/g), (match) => match[1] ?? ''),
    )) {
      this.arrivals.set(key, [...(this.arrivals.get(key) ?? []), at]);
    }
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resolves when `enough` holds, or rejects after the limit. */
  async until(enough: () => boolean, limitMs: number): Promise<void> {
    const deadline = performance.now() + limitMs;
    while (!enough()) {
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`gave up after ${limitMs} ms with ${this.messages} messages`);
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, Math.min(left, 1000));
        this.#waiting.add(wake);
      });
    }
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
