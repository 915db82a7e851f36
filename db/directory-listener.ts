import pg from 'pg';

import type { Logger } from '../platform/logger.ts';
import { connectionOptions } from './database.ts';
import { socketMaker } from './server-probe.ts';

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5000;

export interface ListenerOptions {
  readonly logger: Logger;
  /** Called after each notification, and after each reconnection: something may have been missed. */
  readonly onChange: () => void;
}

/** LISTEN on a connection of its own, which it opens again whenever it is lost, for ever. */
export class DirectoryListener {
  readonly #url: string;
  readonly #options: ListenerOptions;
  readonly #sockets = socketMaker();
  #timer: NodeJS.Timeout | undefined;
  #waitMs = FIRST_WAIT_MS;
  #closed = false;

  constructor(url: string, options: ListenerOptions) {
    this.#url = url;
    this.#options = options;
  }

  start(): void {
    void this.#connect();
  }

  /** Listens on a new connection, wherever the address leads now. */
  restart(): void {
    this.#waitMs = FIRST_WAIT_MS;
    this.#sockets.cutAll();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#sockets.cutAll();
  }

  async #connect(): Promise<void> {
    const options = { ...connectionOptions(this.#url), query_timeout: 0 };
    const client = new pg.Client({ ...options, stream: this.#sockets.make });
    client.on('error', (error) => this.#options.logger.debug({ err: error }, 'listener lost'));
    client.once('end', () => this.#again());
    client.on('notification', () => this.#options.onChange());
    try {
      await client.connect();
      await client.query('listen directory');
      this.#waitMs = FIRST_WAIT_MS;
      this.#options.onChange();
    } catch (error) {
      this.#options.logger.debug({ err: error }, 'cannot listen to changes of the directory');
      this.#sockets.cutAll();
      this.#again();
    }
  }

  #again(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#connect(), this.#waitMs);
    this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS);
  }
}
