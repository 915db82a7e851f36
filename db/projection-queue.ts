import type { Database } from './database.ts';
import { classifyDatabaseError } from './errors.ts';
import { writeProjections, type Projection } from './projection.ts';

/** Projections of one account that go into one transaction. */
const TOGETHER_MAX = 25;

interface Waiting {
  readonly projection: Projection;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Writes projections, those of one account one transaction after the other: they would wait for each other's place
 * in the audit log anyway, and hold a connection meanwhile. Whatever comes while one is written goes together
 * with the next, so that a busy account costs fewer commits, and no account waits for another.
 */
export class ProjectionQueue {
  readonly #database: Database;
  readonly #accounts = new Map<string, Waiting[]>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** Settles when it is stored. @throws what PostgreSQL answered; then it is not. */
  write(projection: Projection): Promise<void> {
    return new Promise((done, failed) => {
      const waiting = this.#accounts.get(projection.accountId);
      const entry = { projection, done, failed };
      if (waiting) waiting.push(entry);
      else {
        const queue = [entry];
        this.#accounts.set(projection.accountId, queue);
        void this.#drain(projection.accountId, queue);
      }
    });
  }

  async #drain(accountId: string, queue: Waiting[]): Promise<void> {
    while (queue.length > 0) await this.#writeTogether(accountId, queue.splice(0, TOGETHER_MAX));
    this.#accounts.delete(accountId);
  }

  async #writeTogether(accountId: string, together: readonly Waiting[]): Promise<void> {
    try {
      const projections = together.map(({ projection }) => projection);
      await writeProjections(this.#database, accountId, projections);
      for (const { done } of together) done();
    } catch (error) {
      if (together.length === 1 || concernsAll(error)) {
        for (const { failed } of together) failed(error);
        return;
      }
      // What PostgreSQL refuses of one must not keep the others out.
      for (const waiting of together) await this.#writeTogether(accountId, [waiting]);
    }
  }
}

function concernsAll(error: unknown): boolean {
  return ['unavailable', 'read_only'].includes(classifyDatabaseError(error));
}
