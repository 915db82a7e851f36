import type { ReceivedRecord, RunRecords } from '../ledgers/records.ts';
import { createFaultClock, type FaultClock } from './clock.ts';
import type { Limits } from './limits.ts';
import { tellStories, type KeyStory } from './story.ts';

/** What every check looks at. */
export interface CheckContext {
  readonly run: RunRecords;
  readonly limits: Limits;
  readonly stories: ReadonlyMap<string, KeyStory>;
  readonly clock: FaultClock;
  /** The name of whom an address belongs to. */
  readonly personAt: (page: ReceivedRecord) => string | undefined;
  /** Messages about more incidents than they name, by person: any of them may be among those. */
  readonly summaries: ReadonlyMap<string, readonly ReceivedRecord[]>;
}

export function createContext(run: RunRecords, limits: Limits): CheckContext {
  const owners = new Map(
    Object.entries(run.world.people).flatMap(([name, { addresses }]) =>
      Object.entries(addresses).map(([channel, address]) => [`${channel} ${address}`, name]),
    ),
  );
  const personAt = (page: ReceivedRecord) => owners.get(`${page.channel} ${page.address}`);
  return {
    ...{ run, limits, personAt, stories: tellStories(run, limits) },
    clock: createFaultClock(run.faults, limits.recoveryMs),
    summaries: Map.groupBy(
      run.received.filter(({ unnamed }) => unnamed > 0),
      (page) => personAt(page) ?? '',
    ),
  };
}
