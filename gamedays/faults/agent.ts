import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { openJsonLines, readJsonLines, type JsonLines } from '../../platform/json-lines.ts';
import {
  HOLD_MAX_MS,
  isInstant,
  placeOf,
  type Fault,
  type FaultLine,
  type LinkFault,
  type OffReason,
  type Undo,
} from './fault.ts';
import { Leases } from './leases.ts';
import type { Link } from './link.ts';
import { dropBackends, makeReadOnly, makeWritable } from './postgres-settings.ts';
import { setClock } from './process-clock.ts';
import { Processes, signal } from './process-signals.ts';
import { setMood } from './provider-moods.ts';

export interface AgentOptions {
  readonly links: ReadonlyMap<string, Link>;
  /** URLs of simulators by name. */
  readonly simulators: Readonly<Record<string, string>>;
  /** Superuser URLs by name, not through a link. */
  readonly postgres: Readonly<Record<string, string>>;
  /** Files of the clocks that can be set, by process. */
  readonly clocks: Readonly<Record<string, string>>;
  /** The ledger of faults: each is on record before it begins. */
  readonly ledgerFile: string;
}

interface Active {
  readonly fault: Fault;
  readonly undo: Undo;
  /** Settled once it is in force or has failed to be; what is not yet on is not ended. */
  begun: Promise<unknown>;
  /** While it is being ended. */
  ending: Promise<void> | null;
}

/** Ending a fault is tried this often; a database that is down itself may need it. */
const UNDO_TRIES = 120;
const UNDO_EVERY_MS = 500;

/** Another fault is on at the same place. */
export class PlaceTaken extends Error {
  override readonly name = 'PlaceTaken';
}

/**
 * Causes faults and ends them: when asked, when their lease runs out, when it stops, and, for what a killed
 * agent left behind, when the next one starts on the same ledger.
 */
export class FaultAgent {
  readonly processes = new Processes();
  readonly #options: AgentOptions;
  readonly #leases = new Leases();
  readonly #active = new Map<string, Active>();
  readonly #ledger: JsonLines;
  #seq: number;

  constructor(options: AgentOptions) {
    this.#options = options;
    // The ledger is written by this class alone.
    const lines = readJsonLines(options.ledgerFile) as readonly FaultLine[];
    this.#seq = lines.at(-1)?.seq ?? 0;
    this.#ledger = openJsonLines(options.ledgerFile);
    const over = new Set(lines.filter(({ phase }) => phase === 'off').map(({ id }) => id));
    for (const line of lines) {
      if (line.phase === 'off' || over.has(line.id)) continue;
      this.#active.set(line.id, {
        fault: line.fault,
        undo: line.undo,
        begun: Promise.resolve(),
        ending: null,
      });
      void this.#end(line.id, 'agent restarted');
    }
  }

  /** The faults that are on. */
  list(): readonly { readonly id: string; readonly fault: Fault }[] {
    return [...this.#active].map(([id, { fault }]) => ({ id, fault }));
  }

  /**
   * Causes a fault; resolves with its id when it is in force. It ends unless it is renewed every `ttlMs`.
   * @throws PlaceTaken, or RangeError for what is unknown here; nothing is on then.
   */
  async on(fault: Fault, ttlMs: number): Promise<string> {
    const place = placeOf(fault);
    if (this.list().some((other) => placeOf(other.fault) === place))
      throw new PlaceTaken(`Another fault is on at ${place}.`);
    const undo = this.#undoOf(fault);
    const id = randomUUID();
    const active: Active = { fault, undo, begun: Promise.resolve(), ending: null };
    this.#active.set(id, active);
    this.#record({ phase: 'on', id, fault, undo });
    try {
      if (!isInstant(fault)) this.#lease(id, ttlMs);
      const begun = this.#apply(fault);
      active.begun = begun.catch(() => undefined);
      await begun;
    } catch (error) {
      await this.#end(id, 'could not start');
      throw error;
    }
    if (isInstant(fault)) await this.#end(id, 'asked');
    return id;
  }

  /** Leads a link elsewhere for good. @throws RangeError when there is none of that name. */
  lead(link: string, targets: readonly string[]): void {
    this.#link(link).lead(targets);
  }

  /** @returns false when it is over. */
  renew(id: string): boolean {
    return this.#leases.renew(id);
  }

  /** Resolves when it is over; at once when it is already. */
  async off(id: string): Promise<void> {
    await this.#end(id, 'asked');
  }

  /** Ends every fault. */
  async stop(): Promise<void> {
    await Promise.all([...this.#active.keys()].map((id) => this.#end(id, 'agent stopped')));
    this.#ledger.close();
  }

  #lease(id: string, ttlMs: number): void {
    const onEnd = (why: OffReason): void => void this.#end(id, why);
    this.#leases.grant(id, { ttlMs, holdMaxMs: HOLD_MAX_MS, onEnd });
  }

  #end(id: string, why: OffReason): Promise<void> {
    this.#leases.end(id);
    const active = this.#active.get(id);
    if (!active) return Promise.resolve();
    active.ending ??= this.#undoUntilDone(active).then(() => {
      this.#active.delete(id);
      this.#record({ phase: 'off', id, why });
    });
    return active.ending;
  }

  /** @throws the last failure: the process then ends, and the next one tries again. */
  async #undoUntilDone({ begun, undo }: Active): Promise<void> {
    await begun;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#undo(undo);
        return;
      } catch (error) {
        if (attempt >= UNDO_TRIES) throw error;
        await sleep(UNDO_EVERY_MS);
      }
    }
  }

  #record(line: DistributiveOmit<FaultLine, 'seq' | 'at'>): void {
    this.#seq += 1;
    this.#ledger.append({ seq: this.#seq, at: Date.now(), ...line });
  }

  #undoOf(fault: Fault): Undo {
    switch (fault.kind) {
      case 'kill':
      case 'drop_backends':
        return { kind: 'none' };
      case 'stop':
        return { kind: 'continue', ...this.processes.find(fault.process) };
      case 'clock':
        this.#named('clocks', fault.process);
        return { kind: 'clock', process: fault.process };
      case 'read_only':
        return { kind: 'writable', postgres: fault.postgres };
      case 'mood': {
        const { door, to } = fault.mood;
        const { simulators } = fault;
        return { kind: 'mood', simulators, door, ...(to === undefined ? {} : { to }) };
      }
      default:
        this.#link(fault.link);
        return { kind: 'link', link: fault.link };
    }
  }

  async #apply(fault: Fault): Promise<void> {
    switch (fault.kind) {
      case 'stop':
        signal(this.processes.find(fault.process), 'SIGSTOP');
        return;
      case 'kill':
        signal(this.processes.find(fault.process), 'SIGKILL');
        return;
      case 'clock':
        return setClock(this.#named('clocks', fault.process), fault.offsetMs);
      case 'mood':
        return setMood(this.#named('simulators', fault.simulators), fault.mood);
      case 'read_only':
        return makeReadOnly(this.#named('postgres', fault.postgres));
      case 'drop_backends':
        return dropBackends(this.#named('postgres', fault.postgres));
      default:
        return this.#setLink(fault.link, fault);
    }
  }

  async #undo(undo: Undo): Promise<void> {
    switch (undo.kind) {
      case 'none':
        return;
      case 'clock':
        return setClock(this.#named('clocks', undo.process), 0);
      case 'link':
        return this.#setLink(undo.link, null);
      case 'continue':
        signal(undo, 'SIGCONT');
        return;
      case 'mood': {
        const { simulators, door, to } = undo;
        const mood = { door, kind: 'ok', ...(to === undefined ? {} : { to }) };
        return setMood(this.#named('simulators', simulators), mood);
      }
      case 'writable':
        return makeWritable(this.#named('postgres', undo.postgres));
    }
  }

  async #setLink(name: string, fault: LinkFault | null): Promise<void> {
    await this.#link(name).set(fault);
  }

  #link(name: string): Link {
    const link = this.#options.links.get(name);
    if (!link) throw new RangeError(`There is no link ${name}.`);
    return link;
  }

  /** A URL, or the file of a clock. */
  #named(kind: 'simulators' | 'postgres' | 'clocks', name: string): string {
    const found = this.#options[kind][name];
    if (found === undefined) throw new RangeError(`There is no ${kind} ${name}.`);
    return found;
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
