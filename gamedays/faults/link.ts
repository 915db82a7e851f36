import { EventEmitter, once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import type { LinkFault } from './fault.ts';
import { ShapedPipe, type LinkState } from './shaped-pipe.ts';

export interface LinkOptions {
  /** Port of 127.0.0.1 on which the product finds the dependency; 0 takes a free one. */
  readonly port: number;
  /** Where the dependency is, `host:port`. Of several the next one that accepts is taken, in turn. */
  readonly targets: readonly string[];
  /** Asked of each target every second when given; those that do not answer 2xx are tried last. */
  readonly healthPath?: string;
}

/** One more connection is reset. */
const CONNECTIONS_MAX = 2000;
const CONNECT_MS = 2000;
const HEALTH_EVERY_MS = 1000;
/** While nobody listened, somebody else may have been given the port for a moment. */
const RELISTEN_TRIES = 100;

/** The way from the product to one dependency, which can be spoilt. Without a fault it changes nothing. */
export class Link {
  readonly #options: LinkOptions;
  readonly #state: LinkState = { fault: null, changes: new EventEmitter().setMaxListeners(0) };
  readonly #open = new Map<Socket, AbortController>();
  readonly #unhealthy = new Set<string>();
  /** Without a fault. */
  #targets: readonly string[];
  #turn = 0;
  #port: number;
  #server: Server | null = null;
  #healthTimer: NodeJS.Timeout | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#targets = options.targets;
    this.#port = options.port;
  }

  get port(): number {
    return this.#port;
  }

  async start(): Promise<void> {
    await this.#listen();
    const { healthPath } = this.#options;
    if (healthPath === undefined) return;
    this.#healthTimer = setInterval(() => {
      for (const target of this.#targets) void this.#ask(target, healthPath);
    }, HEALTH_EVERY_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.#healthTimer);
    await this.#unlisten();
    this.cut();
  }

  /** Moves the dependency for good: new connections lead there, and those that are open stay where they are. */
  lead(targets: readonly string[]): void {
    this.#targets = targets;
  }

  /** Resets every open connection. */
  cut(): void {
    for (const [socket, ended] of this.#open) {
      ended.abort();
      socket.resetAndDestroy();
    }
    this.#open.clear();
  }

  /** Spoils it; null makes it whole. Resolves when that is in force. */
  async set(fault: LinkFault | null): Promise<void> {
    const before = this.#state.fault;
    this.#state.fault = fault;
    this.#state.changes.emit('change');
    if (cutsAtEnd(before) || cutsAtBegin(fault)) this.cut();
    if (fault?.kind === 'refuse') await this.#unlisten();
    else await this.#listen();
  }

  async #listen(): Promise<void> {
    if (this.#server) return;
    for (let attempt = 1; ; attempt += 1) {
      const server = createServer({ allowHalfOpen: true }, (socket) => void this.#accept(socket));
      try {
        server.listen(this.#port, '127.0.0.1');
        await once(server, 'listening');
        this.#server = server;
        this.#port = (server.address() as AddressInfo).port;
        return;
      } catch (error) {
        if (attempt >= RELISTEN_TRIES) throw error;
        await sleep(50);
      }
    }
  }

  async #unlisten(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (!server) return;
    const closed = new Promise((resolve) => server.close(resolve));
    this.cut();
    await closed;
  }

  async #accept(client: Socket): Promise<void> {
    client.on('error', () => undefined);
    if (this.#state.fault?.kind === 'reset' || this.#open.size >= CONNECTIONS_MAX) {
      client.resetAndDestroy();
      return;
    }
    const ended = new AbortController();
    this.#open.set(client, ended);
    client.once('close', () => {
      this.#open.delete(client);
      ended.abort();
    });
    const server = await this.#connect();
    if (!server || ended.signal.aborted) {
      server?.destroy();
      client.resetAndDestroy();
      return;
    }
    await this.#carry(client, server, ended.signal);
  }

  /** Both directions, until both have ended or one has failed. */
  async #carry(client: Socket, server: Socket, signal: AbortSignal): Promise<void> {
    const up = new ShapedPipe([client, server], this.#state, 'up', signal);
    const down = new ShapedPipe([server, client], this.#state, 'down', signal);
    const cut = (): void => {
      client.resetAndDestroy();
      server.destroy();
    };
    server.once('close', (failed) => failed && cut());
    signal.addEventListener('abort', () => server.destroy());
    await Promise.all([up.run(), down.run()]).catch(cut);
  }

  /** The next target that accepts; null when none does. */
  async #connect(): Promise<Socket | null> {
    const { fault } = this.#state;
    const targets = fault?.kind === 'repoint' ? [fault.target] : this.#targets;
    const { length } = targets;
    this.#turn += 1;
    const inTurn = Array.from({ length }, (_, n) => targets[(this.#turn + n) % length] ?? '').sort(
      (a, b) => Number(this.#unhealthy.has(a)) - Number(this.#unhealthy.has(b)),
    );
    for (const target of inTurn) {
      const socket = await open(target);
      if (socket) return socket;
    }
    return null;
  }

  async #ask(target: string, path: string): Promise<void> {
    const healthy = await fetch(`http://${target}${path}`, { signal: AbortSignal.timeout(800) })
      .then(({ ok }) => ok)
      .catch(() => false);
    if (healthy) this.#unhealthy.delete(target);
    else this.#unhealthy.add(target);
  }
}

function cutsAtBegin(fault: LinkFault | null): boolean {
  if (fault?.kind === 'repoint') return fault.cut !== 'end';
  return fault?.kind === 'refuse' || fault?.kind === 'reset';
}

function cutsAtEnd(fault: LinkFault | null): boolean {
  return fault?.kind === 'repoint' && fault.cut !== 'begin';
}

async function open(target: string): Promise<Socket | null> {
  const split = target.lastIndexOf(':');
  const [host, port] = [target.slice(0, split), Number(target.slice(split + 1))];
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
  socket.on('error', () => undefined);
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(CONNECT_MS) });
    return socket;
  } catch {
    socket.destroy();
    return null;
  }
}
