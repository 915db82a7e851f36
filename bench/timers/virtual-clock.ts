import type { TestWorkflowEnvironment } from '@temporalio/testing';

/**
 * The clock of a time-skipping server. It stands still for nobody but jumps only while nothing is under way, so that
 * between two questions it can be followed by a clock of this process.
 */
export class VirtualClock {
  readonly #env: Pick<TestWorkflowEnvironment, 'currentTimeMs'>;
  #serverMs = 0;
  #askedAt = 0;

  constructor(env: Pick<TestWorkflowEnvironment, 'currentTimeMs'>) {
    this.#env = env;
  }

  /** Asks the server; milliseconds since 1970. */
  async ask(): Promise<number> {
    const serverMs = await this.#env.currentTimeMs();
    this.#serverMs = serverMs;
    this.#askedAt = performance.now();
    return serverMs;
  }

  /** Right from `ask` on until everything that was under way then has ended. */
  readonly now = (): number => Math.floor(this.#serverMs + performance.now() - this.#askedAt);
}
