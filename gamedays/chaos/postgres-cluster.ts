import { PostgresServer, type PostgresServerOptions } from '../postgres/postgres-server.ts';
import { follow, makeStandby, promote } from '../postgres/standby.ts';
import { KeptServer } from './kept-server.ts';

export interface ClusterOptions {
  /** Folder, port and log of the server of this name. */
  readonly place: (name: string) => PostgresServerOptions;
  /** Called at each start with the new process id. */
  readonly onSpawn: (name: string, pid: number) => Promise<void>;
}

interface Node {
  readonly name: string;
  readonly server: PostgresServer;
  readonly kept: KeptServer;
}

/** A commit is answered when one standby has it; none of them is named, so that each can take over. */
const ANY_STANDBY = 'ANY 1 (*)';

/** The servers of a run: `postgres`, and standbys of it, each started again when it dies unless it is held down. */
export class PostgresCluster {
  readonly #options: ClusterOptions;
  readonly #nodes: Node[] = [];
  readonly #standbys: Node[] = [];
  #primary: Node;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#primary = this.#node('postgres', new PostgresServer(options.place('postgres')));
  }

  /** By name, the first one first. */
  get servers(): ReadonlyMap<string, KeptServer> {
    return new Map(this.#nodes.map(({ name, kept }) => [name, kept]));
  }

  /** Name of the server that takes writes. */
  get primary(): string {
    return this.#primary.name;
  }

  /** @throws RangeError for a name that is no server's. */
  addressOf(name: string): string {
    const node = this.#nodes.find((one) => one.name === name);
    if (!node) throw new RangeError(`There is no server ${name}.`);
    return node.server.address;
  }

  start(): Promise<void> {
    return this.#primary.kept.start();
  }

  /** Makes standbys of these names; from then on nothing is committed that one of them does not have. */
  async addStandbys(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const server = await makeStandby(this.#primary.server, this.#options.place(name));
      const node = this.#node(name, server);
      await node.kept.start();
      this.#standbys.push(node);
    }
    if (names.length > 0) await this.#primary.server.set(SYNCHRONOUS, ANY_STANDBY);
  }

  /**
   * What an operator's failover manager does when the primary is gone: the standby that has most takes over, and
   * the others follow it. Without others it answers alone from then on.
   * @returns the address of the new primary.
   * @throws RangeError when no standby is left.
   */
  async failOver(): Promise<string> {
    const [next, ...others] = await this.#standbysByPosition();
    if (!next) throw new RangeError('No standby is left.');
    // Before it takes writes: none may be answered that the next failover would lose.
    await next.server.set(SYNCHRONOUS, others.length > 0 ? ANY_STANDBY : null);
    await promote(next.server);
    for (const other of others) await follow(other.server, next.server);
    this.#standbys.splice(this.#standbys.indexOf(next), 1);
    this.#primary = next;
    return next.server.address;
  }

  /** Standbys first: a primary that stops waits until they have all it has. */
  async stop(): Promise<void> {
    for (const { kept } of [...this.#nodes].reverse()) await kept.stop();
  }

  #node(name: string, server: PostgresServer): Node {
    const onSpawn = (pid: number) => this.#options.onSpawn(name, pid);
    const node = { name, server, kept: new KeptServer({ start: () => server.start(), onSpawn }) };
    this.#nodes.push(node);
    return node;
  }

  async #standbysByPosition(): Promise<readonly Node[]> {
    const positions = await Promise.all(
      this.#standbys.map(async (node) => {
        const [row] = await node.server.ask(POSITION);
        return { node, at: Number(row?.['at']) };
      }),
    );
    return positions.sort((one, other) => other.at - one.at).map(({ node }) => node);
  }
}

const SYNCHRONOUS = 'synchronous_standby_names';
const POSITION = `select pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')::text as at`;
