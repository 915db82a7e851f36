import type { Logger } from './logger.ts';

export interface ShutdownStep {
  readonly name: string;
  readonly stop: () => unknown;
}

export interface ShutdownOptions {
  readonly logger: Logger;
  /** Milliseconds for all steps together; then the process ends with code 1. */
  readonly limitMs: number;
  /** Ends the process; given in tests. */
  readonly exit?: (code: number) => void;
}

export interface Shutdown {
  /** Adds a step; the last added stops first. */
  add(name: string, stop: () => unknown): void;
  /** Stops everything, once. Also called by SIGTERM and SIGINT. */
  run(reason: string, code?: number): Promise<void>;
}

/**
 * Ordered end of a process: what was started last stops first, so that nothing loses what it depends on. A step
 * that fails is logged and the rest goes on. A second signal does not hurry it; SIGKILL does.
 */
export function createShutdown({ logger, limitMs, exit }: ShutdownOptions): Shutdown {
  const steps: ShutdownStep[] = [];
  const end = exit ?? ((code: number) => process.exit(code));
  let running: Promise<void> | undefined;
  const stopAll = async (reason: string, code: number): Promise<void> => {
    logger.info({ reason }, 'stopping');
    const limit = setTimeout(() => {
      logger.error({ limitMs }, 'did not stop in time');
      end(1);
    }, limitMs);
    for (const step of steps.reverse()) await stopOne(step, logger);
    clearTimeout(limit);
    logger.info('stopped');
    end(code);
  };
  const run = (reason: string, code = 0): Promise<void> => (running ??= stopAll(reason, code));
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => void run(signal));
  }
  return { add: (name, stop) => void steps.push({ name, stop }), run };
}

async function stopOne({ name, stop }: ShutdownStep, logger: Logger): Promise<void> {
  try {
    await stop();
  } catch (error) {
    logger.warn({ step: name, err: error }, 'a part did not stop cleanly');
  }
}
