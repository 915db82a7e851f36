import { EventEmitter, once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import type { LinkFault } from './fault.ts';

/** `up`: from the product to the dependency. */
export type Direction = 'up' | 'down';

/** How a link behaves now; `changes` says `change` whenever `fault` has changed. */
export interface LinkState {
  fault: LinkFault | null;
  readonly changes: EventEmitter;
}

interface Piece {
  /** Null: the sender has ended. */
  readonly bytes: Buffer | null;
  readonly dueMs: number;
}

/** Bytes that wait in one direction of one connection; then the sender is not read from. */
const WAITING_MAX = 1_048_576;

/**
 * Carries the bytes of one direction of a connection, in order, as the link's state demands. Ends with the
 * signal, which whoever closes the sockets raises.
 */
export class ShapedPipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #state: LinkState;
  readonly #direction: Direction;
  readonly #signal: AbortSignal;
  readonly #pieces: Piece[] = [];
  readonly #arrived = new EventEmitter();
  #waitingBytes = 0;
  #carriedBytes = 0;

  constructor(
    [from, to]: readonly [Socket, Socket],
    state: LinkState,
    direction: Direction,
    signal: AbortSignal,
  ) {
    this.#from = from;
    this.#to = to;
    this.#state = state;
    this.#direction = direction;
    this.#signal = signal;
    from.on('data', (bytes: Buffer) => this.#take(bytes));
    from.on('end', () => this.#take(null));
  }

  /** Resolves when everything was carried, rejects when the connection is cut or the signal is raised. */
  async run(): Promise<void> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (!piece) {
        await once(this.#arrived, 'piece', { signal: this.#signal });
        continue;
      }
      await this.#hold(piece);
      if (piece.bytes === null) {
        this.#to.end();
        return;
      }
      await this.#carry(piece.bytes);
    }
  }

  #take(bytes: Buffer | null): void {
    this.#waitingBytes += bytes?.length ?? 0;
    if (this.#waitingBytes > WAITING_MAX) this.#from.pause();
    this.#pieces.push({ bytes, dueMs: Date.now() + this.#latencyMs() });
    this.#arrived.emit('piece');
  }

  #latencyMs(): number {
    const { fault } = this.#state;
    if (fault?.kind !== 'latency' || !this.#shapes(fault.direction)) return 0;
    return fault.ms + Math.random() * fault.jitterMs;
  }

  async #hold({ dueMs, bytes }: Piece): Promise<void> {
    const wait = dueMs - Date.now();
    if (wait > 0) await this.#sleep(wait);
    const { fault } = this.#state;
    if (fault?.kind === 'bandwidth' && this.#shapes(fault.direction) && bytes !== null)
      await this.#sleep((bytes.length / fault.bytesPerSec) * 1000);
    while (this.#state.fault?.kind === 'hang' && this.#shapes(this.#state.fault.direction))
      await once(this.#state.changes, 'change', { signal: this.#signal });
  }

  async #carry(bytes: Buffer): Promise<void> {
    const { fault } = this.#state;
    if (fault?.kind === 'cut' && this.#direction === 'down') {
      const left = Math.max(0, fault.afterBytes - this.#carriedBytes);
      if (left < bytes.length) {
        this.#to.write(bytes.subarray(0, left));
        throw new Error('cut');
      }
    }
    this.#carriedBytes += bytes.length;
    const flows = this.#to.write(bytes);
    if (!flows) await once(this.#to, 'drain', { signal: this.#signal });
    this.#waitingBytes -= bytes.length;
    if (this.#from.isPaused() && this.#waitingBytes <= WAITING_MAX) this.#from.resume();
  }

  #shapes(direction: Direction | 'both'): boolean {
    return direction === 'both' || direction === this.#direction;
  }

  async #sleep(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#signal });
  }
}
