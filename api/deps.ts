import type { Client } from '@temporalio/client';

import type { Database } from '../db/database.ts';
import type { LiveDirectory } from '../db/directory.ts';
import type { Directory } from '../domain/directory.ts';
import type { Channel } from '../domain/model.ts';
import type { Config } from '../platform/config.ts';
import type { Logger } from '../platform/logger.ts';
import type { RefusalLog } from './refusals.ts';

/** What the api is made of; composed in main.ts and in tests. */
export interface ApiDeps {
  readonly config: Config;
  readonly logger: Logger;
  /** `ready` is false until it has been loaded once. Directories of tests, which always are, need not say. */
  readonly directory: Directory & Partial<Pick<LiveDirectory, 'ready' | 'source' | 'copyAgeMs'>>;
  readonly database: Database;
  readonly temporal: Client;
  readonly now: () => Date;
  /** Told of refused attempts; made with the application where it is absent. */
  readonly refusals?: RefusalLog;
  /** Age in seconds of the oldest projection that waits for a worker; null where nobody knows. */
  readonly projectionBacklogSeconds?: () => number | null;
  /** Sends a verification code; absent where no provider could. It throws when the code was not handed over. */
  readonly sendVerification?: (input: {
    readonly accountId: string;
    readonly userId: string;
    readonly contactMethodId: string;
    readonly channel: Channel;
    readonly address: string;
    readonly code: string;
  }) => Promise<void>;
  /**
   * Texts back to somebody who wrote, by the vendor that brought the text, or another one when that fails.
   * Absent where no provider could. It throws when the text was not handed over.
   */
  readonly sendText?: (input: {
    readonly vendor: 'vonage';
    readonly to: string;
    readonly text: string;
    /** The same for the same text. */
    readonly key: string;
  }) => Promise<void>;
}
