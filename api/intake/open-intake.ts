import type { SpillStore } from '../../db/spill.ts';
import type { ApiDeps } from '../deps.ts';
import { Drainer } from './drainer.ts';
import { Engine } from './engine.ts';
import type { IntakeSink } from './sink.ts';
import { SpillingSink } from './spilling-sink.ts';

/** Everything behind the doors of one process. */
export interface RunningIntake {
  readonly sink: IntakeSink;
  /** Lets calls under way finish, within some seconds. */
  close(): Promise<void>;
}

type IntakeDeps = Pick<ApiDeps, 'config' | 'logger' | 'temporal' | 'directory'>;

/**
 * One for all the ways in of a process, so that the order of a key is kept. Without a spill what Temporal does
 * not take is refused.
 */
export function openIntake(deps: IntakeDeps, spill: SpillStore | null): RunningIntake {
  const { config, logger, temporal, directory } = deps;
  const engine = new Engine({ temporal, logger, maxInFlight: config.INTAKE_MAX_IN_FLIGHT });
  const drainer = spill && new Drainer({ spill, engine, directory, logger });
  const sink = new SpillingSink({
    engine,
    logger,
    spill: spill && {
      store: spill,
      maxRows: config.SPILL_MAX_ROWS,
      maxBytes: config.SPILL_MAX_MB * 1_000_000,
      onSpilled: () => drainer?.wake(),
      isDrained: (id) => drainer?.hasDrained(id) ?? false,
    },
  });
  drainer?.start();
  return {
    sink,
    close: async () => {
      sink.close();
      await drainer?.close();
      engine.close();
    },
  };
}
