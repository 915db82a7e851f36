import type { Client } from '@temporalio/client';

import type { Database } from '../db/database.ts';
import type { Directory } from '../domain/directory.ts';
import type { Config } from '../platform/config.ts';
import type { Logger } from '../platform/logger.ts';

/** What the api is made of; composed in main.ts and in tests. */
export interface ApiDeps {
  readonly config: Config;
  readonly logger: Logger;
  readonly directory: Directory;
  readonly database: Database;
  readonly temporal: Client;
  readonly now: () => Date;
}
