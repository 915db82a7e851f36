import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Page {
  readonly topic: string;
  /** `performance.now()` when the request's body was complete. */
  readonly at: number;
  readonly text: string;
}

/** Stands in for the push provider: notes when each page arrived and answers at once. Keeps 100,000 at most. */
export class Receiver {
  readonly pages: Page[] = [];
  readonly #server: Server;
  readonly #waiting = new Set<() => void>();

  constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, string>;
        const text = `${body['title'] ?? ''} ${body['message'] ?? ''}`;
        if (this.pages.length < 100_000) {
          this.pages.push({ topic: body['topic'] ?? '', at: performance.now(), text });
        }
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ id: `n${this.pages.length}`, event: 'message' }));
        for (const wake of this.#waiting) wake();
      });
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resolves when `enough` of the pages so far holds, or rejects after the limit. */
  async until(enough: (pages: readonly Page[]) => boolean, limitMs: number): Promise<void> {
    const deadline = performance.now() + limitMs;
    while (!enough(this.pages)) {
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`gave up after ${limitMs} ms with ${this.pages.length} pages`);
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
