import { connect, type Socket } from 'node:net';

/** One answer of the api. */
export interface Answer {
  readonly status: number;
  /** Milliseconds from the first byte sent to the last one received. */
  readonly ms: number;
}

/**
 * A connection that sends one request after the other and reads no more of the answers than it must, so that
 * the load takes as little as can be of the processors that it shares with what it measures.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #host: string;
  #received = '';
  #done: ((status: number) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  private constructor(socket: Socket, host: string) {
    this.#socket = socket;
    this.#host = host;
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => this.#receive(chunk));
    socket.on('error', (error) => this.#failed?.(error));
    socket.on('close', () => this.#failed?.(new Error('the api closed the connection')));
  }

  static async open(apiUrl: string): Promise<Connection> {
    const { hostname, port, host } = new URL(apiUrl);
    const socket = connect(Number(port), hostname);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new Connection(socket, host);
  }

  /** One post after the other, never two at once. */
  async post(path: string, body: string): Promise<Answer> {
    const head = `POST ${path} HTTP/1.1\r\nhost: ${this.#host}\r\ncontent-type: application/json\r\n`;
    const startedAt = performance.now();
    const status = await new Promise<number>((resolve, reject) => {
      this.#done = resolve;
      this.#failed = reject;
      this.#socket.write(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    });
    return { status, ms: performance.now() - startedAt };
  }

  close(): void {
    this.#failed = undefined;
    this.#socket.destroy();
  }

  #receive(chunk: string): void {
    this.#received += chunk;
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd === -1) return;
    const length = /content-length: (\d+)/i.exec(this.#received.slice(0, headEnd))?.[1] ?? '0';
    if (this.#received.length < headEnd + 4 + Number(length)) return;
    const status = Number(this.#received.slice(9, 12));
    this.#received = '';
    this.#done?.(status);
  }
}
