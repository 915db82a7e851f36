import { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

import pg from 'pg';

/** A connection older than this may lead where the address led before. */
const ADDRESS_MS = 2000;
const ANSWER_MS = 1500;
/** A timer that fires later than this tells of a process that stood still, not of a silent server. */
const STALL_MS = 250;
const STALLS_FORGIVEN = 3;

const QUESTION = `select pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' as "readOnly",
  pg_postmaster_start_time()::text as server`;

/** What a look at the server tells. */
export interface Sight {
  readonly readOnly: boolean;
  /** Another one for another server, and for the same one after a restart. */
  readonly server: string;
}

/**
 * Asks how the server is to which an address leads now, on connections of its own. A new one is opened every two
 * seconds, and for each look while the server takes no writes; one that answers stays until a newer one does, so
 * that a server without room for more connections is not taken for a lost one.
 */
export class ServerProbe {
  readonly #options: pg.ClientConfig;
  readonly #onLost: () => void;
  #asked: readonly Connection[] = [];

  /** @param onLost called when a connection breaks that was to be used again */
  constructor(options: pg.ClientConfig, onLost: () => void) {
    this.#options = options;
    this.#onLost = onLost;
  }

  /** @throws what the newest connection did when none answers within 1.5 s. */
  async look(): Promise<Sight> {
    const [last] = this.#asked;
    const isCurrent = last !== undefined && !last.isStale();
    const newer = isCurrent ? [] : [new Connection(this.#options, this.#onLost)];
    this.#asked = [...newer, ...(last ? [last] : [])];
    const looks = this.#asked.map((one) => [one, within(one.look(), ANSWER_MS)] as const);
    for (const [, look] of looks) look.catch(() => undefined);
    const reasons: unknown[] = [];
    for (const [one, look] of looks) {
      try {
        const sight = await look;
        this.#keep([one]);
        return sight;
      } catch (error) {
        reasons.push(error);
      }
    }
    this.#keep([]);
    throw reasons[0];
  }

  /** Ends what is open; a look that is under way fails. */
  cut(): void {
    this.#keep([]);
  }

  #keep(kept: readonly Connection[]): void {
    for (const one of this.#asked) if (!kept.includes(one)) one.cut();
    this.#asked = kept;
  }
}

class Connection {
  readonly #client: pg.Client;
  readonly #sockets = socketMaker();
  readonly #bornAt = performance.now();
  #connected: Promise<unknown> | undefined;
  #readOnly = false;

  constructor(options: pg.ClientConfig, onLost: () => void) {
    this.#client = new pg.Client({ ...options, stream: this.#sockets.make });
    this.#client.on('error', onLost);
  }

  /** Whether the address may lead elsewhere by now. */
  isStale(): boolean {
    return this.#readOnly || performance.now() - this.#bornAt > ADDRESS_MS;
  }

  async look(): Promise<Sight> {
    this.#connected ??= this.#client.connect();
    await this.#connected;
    const { rows } = await this.#client.query<Sight>(QUESTION);
    const [sight = { readOnly: false, server: '' }] = rows;
    this.#readOnly = sight.readOnly;
    return sight;
  }

  cut(): void {
    this.#client.removeAllListeners('error').on('error', () => undefined);
    this.#sockets.cutAll();
  }
}

/** Sockets for the driver that can be cut: its own `end` waits for a server that may never answer. */
export function socketMaker(): { readonly make: () => Socket; readonly cutAll: () => void } {
  const open = new Set<Socket>();
  return {
    make: () => {
      const socket = new Socket();
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      return socket;
    },
    cutAll: () => {
      for (const socket of open) socket.destroy();
    },
  };
}

/** @throws Error after `limitMs`, but not because this process itself stood still. */
async function within<T>(work: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_resolve, reject) => {
    const arm = (stallsLeft: number): void => {
      const due = performance.now() + limitMs;
      timer = setTimeout(() => {
        const stalled = performance.now() - due > STALL_MS && stallsLeft > 0;
        // What has arrived meanwhile is read before timers count again.
        if (stalled) arm(stallsLeft - 1);
        else void nextTurn().then(() => reject(new Error(`no answer within ${limitMs} ms`)));
      }, limitMs);
    };
    arm(STALLS_FORGIVEN);
  });
  try {
    return await Promise.race([work, silence]);
  } finally {
    clearTimeout(timer);
  }
}
